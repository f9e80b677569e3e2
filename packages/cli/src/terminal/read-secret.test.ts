import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { readSecret } from './read-secret.ts'

function terminal() {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const modes: boolean[] = []
  Object.assign(input, { isTTY: true, setRawMode: (raw: boolean) => modes.push(raw) })
  return { input: input as unknown as NodeJS.ReadStream, output, modes }
}

describe('reading a secret at a terminal', () => {
  it('shows the prompt and nothing of what is typed', async () => {
    const { input, output, modes } = terminal()
    const reading = readSecret('Share: ', input, output)
    for (const typed of ['ab', 'x', '\u007f', 'c ', '\r']) input.push(typed)
    expect(await reading).toBe('abc')
    expect(output.read().toString()).toBe('Share: \n')
    expect(modes).toEqual([true, false])
  })

  it('stops at Ctrl+C and gives the terminal back', async () => {
    const { input, output, modes } = terminal()
    const reading = readSecret('Share: ', input, output)
    input.push('ab\u0003')
    await expect(reading).rejects.toThrow('Stopped; nothing was sent.')
    expect(modes).toEqual([true, false])
  })
})
