import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { compareRates, expectBelow, expectRatio, type Figure, median } from '../figure.ts'

interface Measured {
  readonly milliseconds: readonly number[]
  readonly peakBytes: number
}

const entry = fileURLToPath(new URL('../processes/file.ts', import.meta.url))
const ways = ['raw', 'encrypt', 'raw-digests', 'encrypt-digests', 'roundtrip'] as const
type Way = (typeof ways)[number]
const rounds = 5

/** Files of 10 MiB and 1 GiB through the stream, each in a process of its own, beside WebCrypto's AES-GCM alone. */
export async function measure(): Promise<readonly Figure[]> {
  const small = await measureSize(10, 20)
  const large = await measureSize(1024, 1)
  return [...figuresOf('10 MiB', small), ...figuresOf('1 GiB', large)]
}

async function measureSize(mebibytes: number, times: number) {
  const measured = Object.fromEntries(ways.map((way) => [way, []])) as unknown as Record<Way, Measured[]>
  for (let round = 0; round < rounds; round++) {
    for (const way of ways) measured[way].push(await runAlone(way, mebibytes, times))
  }
  const of = (way: Way) => ({
    rate: (mebibytes * 1000) / median(measured[way].flatMap(({ milliseconds }) => milliseconds)),
    peak: Math.max(...measured[way].map(({ peakBytes }) => peakBytes)) / 1_048_576,
  })
  return { of }
}

async function runAlone(way: Way, mebibytes: number, times: number): Promise<Measured> {
  const child = fork(entry, [way, String(mebibytes), String(times)], { execArgv: ['--conditions=source'] })
  const [measured] = (await once(child, 'message')) as [Measured]
  await once(child, 'exit')
  return measured
}

function figuresOf(size: string, { of }: Awaited<ReturnType<typeof measureSize>>): readonly Figure[] {
  const [raw, rawDigests] = [of('raw'), of('raw-digests')]
  const [plain, digests, roundtrip] = [of('encrypt'), of('encrypt-digests'), of('roundtrip')]
  const alone = { what: 'AES-GCM alone', value: raw.rate }
  return [
    expectRatio(compareRates(`${size}, encrypt`, 'MiB/s', plain.rate, alone), 0.8),
    compareRates(`${size}, encrypt with digests`, 'MiB/s', digests.rate, alone),
    compareRates(`${size}, encrypt with digests`, 'MiB/s', digests.rate, {
      what: 'AES-GCM, then SHA-256',
      value: rawDigests.rate,
    }),
    { what: `${size}, encrypt and decrypt`, value: roundtrip.rate, unit: 'MiB/s' },
    expectBelow(
      {
        what: `${size}, most memory`,
        value: Math.max(plain.peak, digests.peak, roundtrip.peak),
        unit: 'MiB',
        baseline: { what: 'AES-GCM alone', value: raw.peak },
      },
      256,
    ),
  ]
}
