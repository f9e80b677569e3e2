import { createInterface } from 'node:readline'
import type { ReadStream } from 'node:tty'
import { CommandError } from '../command.ts'

/** Reads one line. At a terminal the prompt is shown and the line is not. */
export async function readSecret(
  prompt: string,
  input: NodeJS.ReadStream,
  output: NodeJS.WritableStream,
): Promise<string> {
  return input.isTTY ? readHidden(prompt, input, output) : readLine(input)
}

async function readLine(input: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input })) return line.trim()
  throw new CommandError('Nothing came on standard input.')
}

function readHidden(prompt: string, input: ReadStream, output: NodeJS.WritableStream): Promise<string> {
  output.write(prompt)
  input.setRawMode(true)
  input.setEncoding('utf8').resume()
  return new Promise((resolve, reject) => {
    let text = ''
    const finish = (settle: () => void) => {
      input.setRawMode(false)
      input.off('data', take).pause()
      output.write('\n')
      settle()
    }
    const take = (typed: string) => {
      for (const character of typed) {
        if (character === '\r' || character === '\n') return finish(() => resolve(text.trim()))
        if (character === '\u0003' || character === '\u0004') {
          return finish(() => reject(new CommandError('Stopped; nothing was sent.')))
        }
        text = character === '\u007f' || character === '\b' ? text.slice(0, -1) : text + character
      }
    }
    input.on('data', take)
  })
}
