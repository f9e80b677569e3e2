import { fileErasureLedger } from '../erasure-ledger.ts'

/** Appends ten erasures to the ledger that it is given, as one of several processes. */
const [path = '', from = '0'] = process.argv.slice(2)
const ledger = fileErasureLedger(path)
for (let n = Number(from); n < Number(from) + 10; n++) {
  await ledger.append({
    id: `00000000-0000-4000-8000-0000000000${String(n).padStart(2, '0')}`,
    userId: crypto.randomUUID(),
    formerIds: [],
    erasedAt: '2026-11-21T12:00:00.123Z',
    backupsExpireAt: '2026-12-21T12:00:00.123Z',
    removed: { app_user: 1, session: 10 ** (n % 7) },
  })
}
