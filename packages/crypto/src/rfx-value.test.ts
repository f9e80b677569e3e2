import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import vectors from '../../../vectors/rfx.json' with { type: 'json' }
import { importEnvelopeKey } from './envelope.ts'
import { parseHeader } from './header.ts'
import { asRfxKey, generateRfxKey } from './rfx-key.ts'
import { openRfxValue, sealRfxValue } from './rfx-value.ts'
import { flipEachByte, fromHex, fromText, toHex } from './testing/bytes.ts'
import { badIds, badNumbers, otherId, rfxId } from './testing/rfx.ts'

const openFailed = { name: 'CryptoError', code: 'open_failed' }
const place = { table: 'lot', column: 'budget', row: '17' }
const options = { key: generateRfxKey(), rfxId, version: 2, place }

describe('value of an application', () => {
  it.each(vectors.values)('pinned: $plaintext', async ({ key, rfxId, version, place, plaintext, sealed }) => {
    const pinned = { key: asRfxKey(fromHex(key)), rfxId, version, place }
    expect(toHex(await openRfxValue(fromHex(sealed), pinned))).toBe(plaintext)
  })

  it('opens as what was sealed', async () => {
    const names = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
    const places = fc.record({ table: names, column: names, row: names })
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), places, async (bytes, place) => {
        const sealed = await sealRfxValue(new Uint8Array(bytes), { ...options, place })
        expect(sealed.byteLength).toBe(bytes.byteLength + 128)
        expect(await openRfxValue(sealed, { ...options, place })).toEqual(new Uint8Array(bytes))
      }),
      { numRuns: 25 },
    )
  })

  it('names the key it wants', async () => {
    const sealed = await sealRfxValue(fromText('hei'), options)
    expect(parseHeader(sealed)?.keyId).toBe((await importEnvelopeKey(options.key)).id)
  })

  it('opens with its key, project, version and place alone', async () => {
    const sealed = await sealRfxValue(fromText('hei'), options)
    const others = [
      { key: generateRfxKey() },
      { rfxId: otherId },
      { version: 3 },
      { place: { ...place, table: 'other' } },
      { place: { ...place, column: 'other' } },
      { place: { ...place, row: '18' } },
    ]
    for (const other of others) {
      await expect(openRfxValue(sealed, { ...options, ...other })).rejects.toMatchObject(openFailed)
    }
  })

  it('fails on any flipped bit, cut short, or put together from two', async () => {
    const sealed = await sealRfxValue(fromText('hei'), options)
    const other = await sealRfxValue(fromText('hei'), options)
    const mixed = sealed.slice()
    mixed.set(other.subarray(80), 80)
    const cut = [0, 20, 79, 80, 81, 127, sealed.byteLength - 1].map((length) => sealed.slice(0, length))
    for (const bad of [...flipEachByte(sealed), ...cut, mixed]) {
      await expect(openRfxValue(bad, options)).rejects.toMatchObject(openFailed)
    }
  })

  it('refuses arguments that are not what they should be', async () => {
    const sealed = await sealRfxValue(fromText('hei'), options)
    const refused = async (other: object, message: string) => {
      await expect(sealRfxValue(fromText('hei'), { ...options, ...other })).rejects.toThrow(message)
      await expect(openRfxValue(sealed, { ...options, ...other })).rejects.toThrow(message)
    }
    await refused({ key: new Uint8Array(16) }, 'key')
    for (const id of badIds) await refused({ rfxId: id }, 'rfxId')
    for (const version of badNumbers) await refused({ version }, 'version')
    await refused({ place: undefined }, 'place.table')
    for (const name of ['table', 'column', 'row']) {
      await refused({ place: { ...place, [name]: '' } }, `place.${name}`)
      await refused({ place: { ...place, [name]: 17 } }, `place.${name}`)
    }
    await expect(sealRfxValue('hei' as never, options)).rejects.toThrow('bytes')
    await expect(openRfxValue('hei' as never, options)).rejects.toThrow('sealed')
  })
})
