/**
 * A POSIX regular expression that finds `search` anywhere, whatever the case of its letters. Both cases are written out,
 * because how far `ilike` and `lower` know letters such as Å and Ø depends on the locale of the database.
 *
 * @returns `undefined` when there is nothing to search for.
 */
export function searchPattern(search: string | undefined): string | undefined {
  const text = search?.normalize('NFC').trim()
  return text ? Array.from(text, anyCase).join('') : undefined
}

function anyCase(character: string): string {
  const cases = new Set([character, character.toLowerCase(), character.toUpperCase()])
  const single = [...cases].filter((variant) => [...variant].length === 1)
  if (single.length > 1) return `[${single.join('')}]`
  return /[\p{L}\p{N}_]/u.test(character) ? character : `\\${character}`
}
