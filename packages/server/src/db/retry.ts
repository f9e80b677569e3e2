/**
 * Runs `work`, and once more when the database ended it to break a deadlock (SQLSTATE `40P01`): whom it was waiting for has
 * gone on by then. Nothing of the first attempt stands, so `work` does nothing that the database does not undo.
 */
export async function retryDeadlock<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isDeadlock(error)) throw error
    return work()
  }
}

const isDeadlock = (error: unknown) => error instanceof Error && 'code' in error && error.code === '40P01'
