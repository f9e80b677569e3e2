import { Heading, Paragraph } from '@digdir/designsystemet-react'
import type { Contact } from '@nokkel/client'
import { Facts } from '../components/facts.tsx'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'

/** What Vipps told of the person. */
export function ContactDetails({ contact }: { contact: Contact | null }) {
  return (
    <section className="stack" aria-labelledby="contact">
      <Heading id="contact" level={2} data-size="xs">
        {m.account_contact()}
      </Heading>
      {contact ? (
        <>
          <Paragraph>
            <When at={contact.updatedAt} text={(when) => m.account_contact_lead({ when })} />
          </Paragraph>
          <Facts facts={known(contact)} />
        </>
      ) : (
        <Paragraph>{m.account_contact_none()}</Paragraph>
      )}
    </section>
  )
}

function known({ phoneNumber, email, address }: Contact): [string, string][] {
  const facts: [string, string | null][] = [
    [m.account_phone(), phoneNumber && formatPhone(phoneNumber)],
    [m.account_email(), email],
    [m.account_address(), address && `${address.street}\n${address.postalCode} ${address.place}`],
  ]
  return facts.filter((fact): fact is [string, string] => fact[1] !== null)
}

/** A Norwegian number in pairs, as people say it. */
const formatPhone = (number: string): string =>
  number.replace(/^\+47(\d{2})(\d{2})(\d{2})(\d{2})$/, '+47\u00a0$1\u00a0$2\u00a0$3\u00a0$4')
