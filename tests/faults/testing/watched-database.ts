import type { Database } from '@nokkel/server'
import type { QueryExecutor, Transaction } from 'kysely'

/** Where a process can end between two effects on the database. `inside`: after a statement of a transaction. */
export type Point = 'begin' | 'inside' | 'commit' | 'committed'

/** Calls `reach` at every {@link Point}. A statement of its own commits itself. */
export function watchDatabase(database: Database, reach: (point: Point) => void): Database {
  return replace(database, {
    getExecutor: () => watchExecutor(database.getExecutor(), () => reach('committed')),
    transaction() {
      const builder = database.transaction()
      return replace(builder, {
        async execute<T>(work: (transaction: Transaction<unknown>) => Promise<T>) {
          reach('begin')
          const result = await builder.execute(async (transaction) => {
            const getExecutor = () => watchExecutor(transaction.getExecutor(), () => reach('inside'))
            const value = await work(replace(transaction, { getExecutor }))
            reach('commit')
            return value
          })
          reach('committed')
          return result
        },
      })
    },
  })
}

function watchExecutor(executor: QueryExecutor, reach: () => void): QueryExecutor {
  return replace(executor, {
    async executeQuery(...query: Parameters<QueryExecutor['executeQuery']>) {
      const result = await executor.executeQuery(...query)
      reach()
      return result
    },
  })
}

/** `target` with some members in place of its own. Its methods keep their `this`, which private members need. */
function replace<T extends object>(target: T, members: Record<string, unknown>): T {
  return new Proxy(target, {
    get(_, name) {
      if (typeof name === 'string' && Object.hasOwn(members, name)) return members[name]
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
