import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core'
import { exportPublicJwk, generateDeviceKeys, open, seal } from '@nokkel/crypto'
import { compareRates, type Figure, median } from '../figure.ts'

const rounds = 21
const perRound = 100

/** Sealing a content key to one device and opening it, beside HPKE alone with everything prepared. */
export async function measure(): Promise<readonly Figure[]> {
  const { encryption } = await generateDeviceKeys()
  const recipient = await exportPublicJwk(encryption.publicKey)
  const context = { purpose: 'bench', table: 'assignment_key', column: 'wrapped_key', row: '1', owner: 'dev_1' }
  const key = crypto.getRandomValues(new Uint8Array(32))
  const suite = new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() })
  const parameters = { recipientPublicKey: encryption.publicKey, info: new Uint8Array(100) }
  const aad = new Uint8Array(20)
  const algorithm = { name: 'ECDH', namedCurve: 'P-256' }
  const sealed = await seal(key, recipient, context)
  const bare = await suite.seal(parameters, key, aad)

  const rates = await inTurns({
    seal: () => seal(key, recipient, context),
    bareSeal: () => suite.seal(parameters, key, aad),
    bareSealWithImport: async () => {
      const recipientPublicKey = await crypto.subtle.importKey('jwk', recipient, algorithm, true, [])
      return suite.seal({ ...parameters, recipientPublicKey }, key, aad)
    },
    open: () => open(sealed, encryption, context),
    bareOpen: () => suite.open({ recipientKey: encryption, enc: bare.enc, info: parameters.info }, bare.ct, aad),
  })
  return [
    compareRates('seal', '/s', rates.seal, {
      what: '@hpke/core and importing the key',
      value: rates.bareSealWithImport,
    }),
    compareRates('seal', '/s', rates.seal, { what: '@hpke/core, key imported before', value: rates.bareSeal }),
    compareRates('open', '/s', rates.open, { what: '@hpke/core', value: rates.bareOpen }),
  ]
}

/** Runs each in every round, so that whatever else the machine does falls on all; gives the median rate of each. */
async function inTurns<Name extends string>(work: Record<Name, () => Promise<unknown>>): Promise<Record<Name, number>> {
  const names = Object.keys(work) as Name[]
  const rates = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>
  for (let round = -2; round < rounds; round++) {
    for (const name of names) {
      const started = performance.now()
      for (let time = 0; time < perRound; time++) await work[name]()
      // The first rounds only warm up.
      if (round >= 0) rates[name].push((perRound * 1000) / (performance.now() - started))
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(rates[name])])) as Record<Name, number>
}
