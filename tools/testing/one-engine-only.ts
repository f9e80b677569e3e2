const pgliteHasOneConnection = 'PGlite has one connection, so nothing can wait for another'
const connects = 'PGlite is not connected to'
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
