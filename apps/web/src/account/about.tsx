import type { LinkedLogin, Me } from '@nokkel/client'
import { CopyField } from '../components/copy-field.tsx'
import { Facts } from '../components/facts.tsx'
import * as m from '../paraglide/messages.js'
import { useWays } from '../queries/organizations.ts'
import { roleName } from '../role.ts'

/** Who the person is here. */
export function About({ me, logins }: { me: Me; logins: readonly LinkedLogin[] | undefined }) {
  const told = useWays().some(({ id, personnummer }) => id === 'bankid' && personnummer)
  const unknown = !told
    ? m.account_personnummer_unknown_plain()
    : logins?.some(({ provider }) => provider === 'bankid')
      ? m.account_personnummer_unknown_bankid()
      : m.account_personnummer_unknown()
  return (
    <section className="stack">
      <Facts
        facts={[
          [m.account_name(), me.name],
          [m.account_organization(), me.organization.name],
          [m.account_role(), roleName[me.role]()],
          [m.account_personnummer(), me.personnummerVerified ? m.account_personnummer_known() : unknown],
        ]}
      />
      <CopyField
        label={m.account_id()}
        description={m.account_id_help()}
        value={me.id}
        copyLabel={m.account_id_copy()}
      />
    </section>
  )
}
