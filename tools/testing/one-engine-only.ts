const pgliteHasOneConnection = 'PGlite has one connection, so nothing can wait for another'
const connects = 'PGlite is not connected to'
const ofOneProcess = 'PGlite belongs to one process'
const embedded = 'only PGlite is embedded'

/** Database tests that run on one engine only, by title with the engine left out, and why. Any other is a failure. */
export const oneEngineOnly: Readonly<Record<string, string>> = {
  'sending > waits for a device change that has begun': pgliteHasOneConnection,
  'projects at the same time > whoever is leaving when the key is handed to them does not get it':
    pgliteHasOneConnection,
  'projects at the same time > whoever leaves when the key is being handed to them does not keep it':
    pgliteHasOneConnection,
  'projects at the same time > a version that is being marked as compromised gets no more wraps':
    pgliteHasOneConnection,
  ...Object.fromEntries(
    ['the key first', 'the key last'].flatMap((order) =>
      [
        'while a company is withdrawn',
        'while a draft with openers is deleted',
        'while its owner reviews no longer, in several projects',
        'while a company is withdrawn from one of the projects that its groups are in, over HTTP',
      ].map((test) => [
        `who waits for whom in projects > a key is marked as compromised, ${order} > ${test}`,
        pgliteHasOneConnection,
      ]),
    ),
  ),
  'who waits for whom in projects > a person is excluded while their account is deleted': pgliteHasOneConnection,
  'who waits for whom in projects > a deadlock is tried again, once': pgliteHasOneConnection,
  ...Object.fromEntries(
    [
      'by both providers, with the same verified personnummer, make exactly one account',
      'by BankID make exactly one account',
      'by Vipps, without a number make exactly one account',
      'by the Vipps of two organisations make one account each, and the pair is noted',
    ].map((test) => [`many first logins of one person over two server processes > ${test}`, ofOneProcess]),
  ),
  ...Object.fromEntries(
    [
      'the same person, from several devices at once: once',
      'both administrators of a company and of an organisation: one of them stays',
      'a login of theirs: it is of a new account, or its session is over',
      'two of which neither is committed: whoever gets a certificate is gone',
      'a merge: one account is gone, or both, and nothing of either hangs on nobody',
      'a sender and all who got something from them: nothing of it stays',
      'assignments that are sent to them: each is sent to who was there, and no key hangs on nobody',
    ].map((test) => [`erasing while something else happens > ${test}`, pgliteHasOneConnection]),
  ),
  ...Object.fromEntries(
    [
      'two administrators merge at once, one into each account: one of them does',
      'the person logs in as the other account: they are the kept one, or their session has ended',
      'the other account revokes its key: it is revoked or it moves, never both',
      'the connection is lost in the middle: nothing was merged, or nothing was undone',
    ].map((test) => [`merging while something else happens > ${test}`, pgliteHasOneConnection]),
  ),
  'migrate > applies everything once when two do it at the same time': pgliteHasOneConnection,
  'migrate > applies everything once, as the Supabase CLI records it': connects,
  'migrate > applies in order what another tool has left': connects,
  'service with its own connections > connects, and closes what it opened': connects,
  'embedded database > keeps what was written, migrates once and is locked while open': embedded,
  'embedded database > is open as nokkel_server, which reads no table': embedded,
  'embedded database > keeps nothing of a migration that fails, lets go of the directory, and goes on after it is mended':
    embedded,
  'embedded database > has the schema the server was written for': embedded,
}
