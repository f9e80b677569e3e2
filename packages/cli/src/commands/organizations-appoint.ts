import { appointMember } from '@nokkel/server'
import { type Command, CommandError, required, text, UsageError } from '../command.ts'
import { databaseHelp, databaseOptions, withOperatorDatabase } from '../settings/operator-database.ts'

const roles = ['member', 'coordinator', 'administrator'] as const

export const organizationsAppoint: Command = {
  help: `  nokkel organizations appoint SLUG USER_ID [--role administrator] [--data DIR]

Gives a person a role in an organisation, and makes them a member of it if they are none: how its first administrator comes
to be, who appoints nobody by themselves. The person logs in first; their id is on their account page. It is recorded.

  --role ROLE    member, coordinator or administrator; default administrator
${databaseHelp}`,
  arguments: ['slug', 'user-id'],
  options: { role: { type: 'string' }, ...databaseOptions },
  async run(values, terminal) {
    const [slug, userId] = [required(values, 'slug'), required(values, 'user-id').toLowerCase()]
    const role = roles.find((known) => known === (text(values, 'role') ?? 'administrator'))
    if (!role) throw new UsageError(`--role takes ${roles.join(', ')}.`)
    if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(userId)) {
      throw new UsageError('USER_ID is an id such as 3f0c2e9a-5b7d-4c1e-9a57-0d6b1c2e3f4a.')
    }
    const appointed = await withOperatorDatabase(values, terminal, { migrate: true }, (database) =>
      appointMember(database, { slug, userId, role }),
    ).catch((cause: unknown) => {
      throw explain(cause, { slug, userId })
    })
    terminal.print(appointed ? `${userId} is ${role} of ${slug} now.` : `${userId} is ${role} of ${slug} already.`)
    return 0
  },
}

function explain(cause: unknown, { slug, userId }: { readonly slug: string; readonly userId: string }): unknown {
  const { message } = cause as Error
  if (message === 'organization_unknown') {
    return new CommandError(`There is no organisation ${slug}; nokkel organizations list shows them.`, { cause })
  }
  if (message === 'not_found') {
    return new CommandError(`There is no account ${userId}, or it was merged into another one.`, { cause })
  }
  return cause
}
