/** Filters the list of people; without it the page shows all of them. Enter in another field chooses nobody. */
export const script = `
for (const field of document.querySelectorAll('details input')) {
  field.addEventListener('keydown', (event) => { if (event.key === 'Enter') event.preventDefault() })
}
const search = document.querySelector('[data-search]')
if (search) {
  const people = [...document.querySelectorAll('[data-person]')]
  const filter = () => {
    const words = search.value.toLowerCase().split(/\\s+/)
    for (const person of people) person.parentElement.hidden = !words.every((word) => person.textContent.toLowerCase().includes(word))
  }
  search.parentElement.hidden = false
  search.addEventListener('input', filter)
  search.addEventListener('keydown', (event) => {
    const first = people.find((person) => !person.parentElement.hidden)
    if ((event.key !== 'Enter' && event.key !== 'ArrowDown') || !first) return
    event.preventDefault()
    first.focus()
  })
  filter()
}
`
