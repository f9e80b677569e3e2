import { describe, expect, it } from 'vitest'

type Messages = Record<string, string | { match: Record<string, string> }[]>

const files = import.meta.glob<Messages>('../messages/*.json', { eager: true, import: 'default' })
const nb = files['../messages/nb.json'] ?? {}
const en = files['../messages/en.json'] ?? {}

const textsOf = (message: Messages[string] | undefined): string[] =>
  typeof message === 'string' ? [message] : (message ?? []).flatMap(({ match }) => Object.values(match))
const inputsOf = (message: Messages[string] | undefined): string[] =>
  [...new Set(textsOf(message).flatMap((text) => text.match(/\{\w+\}/g) ?? []))].sort()

describe('messages', () => {
  const names = Object.keys(nb).filter((name) => name !== '$schema')

  it('exist', () => expect(names.length).toBeGreaterThan(100))

  // The compiler falls back to Norwegian without a word.
  it('are the same in every language', () => expect(Object.keys(en)).toEqual(Object.keys(nb)))

  it('say something, with the same inputs', () => {
    for (const name of names) {
      for (const text of [...textsOf(nb[name]), ...textsOf(en[name])]) expect(text.trim(), name).not.toBe('')
      expect(inputsOf(en[name]), name).toEqual(inputsOf(nb[name]))
    }
  })
})
