import { afterAll, describe, expect, it } from 'vitest'
import aesGcm from '../../../vectors/wycheproof/aes_gcm_test.json' with { type: 'json' }
import ecdh from '../../../vectors/wycheproof/ecdh_secp256r1_webcrypto_test.json' with { type: 'json' }
import hkdf from '../../../vectors/wycheproof/hkdf_sha256_test.json' with { type: 'json' }
import hmac from '../../../vectors/wycheproof/hmac_sha256_test.json' with { type: 'json' }
import rsaOaep from '../../../vectors/wycheproof/rsa_oaep_4096_sha256_mgf1sha256_test.json' with { type: 'json' }
import { concatBytes } from './bytes.ts'
import { importEncryptionKey, type PublicJwk } from './public-jwk.ts'
import { fromHex, toHex } from './testing/bytes.ts'
import { importEncryptionPair, type PrivateJwk } from './testing/keys.ts'
import { runtimeName } from './testing/runtime.ts'

/** What this package builds on, run in every runtime it promises to run in. */
let executed = 0

afterAll(() => {
  console.log(`wycheproof ${runtimeName()}: ${executed} cases`)
})

/** Every case of a file in one test: the test fails on the first that goes the other way. */
function forEachCase<Group extends { tests: { tcId: number; result: string }[] }>(
  groups: Group[],
  run: (test: Group['tests'][number], group: Group) => Promise<boolean>,
) {
  return async () => {
    let count = 0
    for (const group of groups) {
      for (const test of group.tests) {
        const outcome = await run(test, group).catch(() => false)
        expect({ tcId: test.tcId, outcome }).toEqual({ tcId: test.tcId, outcome: test.result === 'valid' })
        count++
      }
    }
    expect(count).toBeGreaterThan(0)
    executed += count
  }
}

// The sizes of our formats. Others are left to the runtimes, and these differ: no 192-bit keys in Chromium, for one.
const ourSizes = aesGcm.testGroups.filter(({ ivSize, keySize }) => ivSize === 96 && keySize !== 192)

describe('Wycheproof', () => {
  it(
    'AES-GCM decrypts',
    forEachCase(ourSizes, async ({ key, iv, aad, msg, ct, tag }) => {
      const imported = await crypto.subtle.importKey('raw', fromHex(key), 'AES-GCM', false, ['decrypt'])
      const parameters = { name: 'AES-GCM', iv: fromHex(iv), additionalData: fromHex(aad), tagLength: 128 }
      const plaintext = await crypto.subtle.decrypt(parameters, imported, concatBytes(fromHex(ct), fromHex(tag)))
      return toHex(new Uint8Array(plaintext)) === msg
    }),
  )

  it(
    'HKDF-SHA-256 derives',
    forEachCase(hkdf.testGroups, async ({ ikm, salt, info, size, okm }) => {
      const key = await crypto.subtle.importKey('raw', fromHex(ikm), 'HKDF', false, ['deriveBits'])
      const parameters = { name: 'HKDF', hash: 'SHA-256', salt: fromHex(salt), info: fromHex(info) }
      return toHex(new Uint8Array(await crypto.subtle.deriveBits(parameters, key, size * 8))) === okm
    }),
  )

  it(
    'HMAC-SHA-256 authenticates',
    forEachCase(hmac.testGroups, async ({ key, msg, tag }, { tagSize }) => {
      const imported = await crypto.subtle.importKey('raw', fromHex(key), { name: 'HMAC', hash: 'SHA-256' }, false, [
        'sign',
      ])
      const made = new Uint8Array(await crypto.subtle.sign('HMAC', imported, fromHex(msg)))
      return toHex(made.subarray(0, tagSize / 8)) === tag
    }),
  )

  it(
    'ECDH on P-256 agrees, and our import refuses foreign points',
    forEachCase(ecdh.testGroups, async (test) => {
      const { kid: _, ...jwk } = test.public as PublicJwk & { kid?: string }
      const { kid: __, ...own } = test.private as PrivateJwk & { kid?: string }
      const { privateKey } = await importEncryptionPair(own)
      const parameters = { name: 'ECDH', public: await importEncryptionKey(jwk) }
      return toHex(new Uint8Array(await crypto.subtle.deriveBits(parameters, privateKey, 256))) === test.shared
    }),
  )

  it(
    'RSA-OAEP with 4096 bits and SHA-256 decrypts',
    forEachCase(rsaOaep.testGroups, async ({ ct, label, msg }, { privateKeyPkcs8 }) => {
      const algorithm = { name: 'RSA-OAEP', hash: 'SHA-256' }
      const key = await crypto.subtle.importKey('pkcs8', fromHex(privateKeyPkcs8), algorithm, false, ['decrypt'])
      const parameters = { name: 'RSA-OAEP', label: fromHex(label) }
      return toHex(new Uint8Array(await crypto.subtle.decrypt(parameters, key, fromHex(ct)))) === msg
    }),
  )
})
