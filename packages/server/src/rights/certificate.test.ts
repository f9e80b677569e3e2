import { createLocalJWKSet, generateKeyPair, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import vectors from '../../../../vectors/erasure.json' with { type: 'json' }
import { certifyErasure } from './certificate.ts'
import { formatErasure, parseErasures } from './ledger.ts'

const Payload = z.strictObject({
  iss: z.string(),
  id: z.uuid(),
  erasedAt: z.iso.datetime(),
  backupsExpireAt: z.iso.datetime(),
  removed: z.record(z.string(), z.int()),
})

/** The steps of docs/spec/erasure.md, by another implementation than the one that signs. */
async function verify(certificate: string, jwks: Parameters<typeof createLocalJWKSet>[0], issuer: string) {
  const options = { algorithms: ['ES256'], typ: 'nokkel-erasure+jwt', issuer }
  const { payload } = await jwtVerify(certificate, createLocalJWKSet(jwks), options)
  return Payload.parse(payload)
}

describe('the certificate of an erasure', () => {
  const { jwks, issuer, certificate, payload, refused, ledgerLine } = vectors

  it('pinned: verifies, and says nothing of whose it is', async () => {
    expect(await verify(certificate, jwks, issuer)).toEqual(payload)
    const [entry] = parseErasures(ledgerLine, 'the vector')
    expect(entry && formatErasure(entry)).toBe(ledgerLine)
    const { userId = '', formerIds = [] } = entry ?? {}
    expect(userId).not.toBe('')
    for (const id of [userId, ...formerIds]) expect(JSON.stringify(payload)).not.toContain(id)
  })

  it.each(refused)('pinned: $name is refused', async ({ certificate: other }) => {
    await expect(verify(other, jwks, issuer)).rejects.toThrow()
  })

  it('is signed by the key it names, over what is answered beside it', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const [entry] = parseErasures(ledgerLine, 'the vector')
    if (!entry) throw new Error()
    const made = await certifyErasure(entry, { kid: 'k', key: privateKey }, issuer)
    const { certificate: signed, ...said } = made
    const { payload: found, protectedHeader } = await jwtVerify(signed, publicKey)
    expect(found).toEqual({ iss: issuer, ...said })
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'nokkel-erasure+jwt', kid: 'k' })
  })
})
