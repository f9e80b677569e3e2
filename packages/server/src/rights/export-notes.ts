/** What somebody who reads their export must be told, with the part of it that is meant. */
export interface ExportNote {
  readonly about: string
  readonly nb: string
  readonly en: string
}

/** What every export says. */
export const exportNotes: readonly ExportNote[] = [
  {
    about: 'assignment',
    nb: 'Innholdet i oppdrag og filer kan bare leses på enhetene det ble sendt til. Her står hvem som sendte, når og hvor mye.',
    en: 'What assignments and files hold can only be read on the devices they were sent to. This says who sent them, when and how much.',
  },
  {
    about: 'rfx_entry',
    nb: 'Det du har skrevet i prosjekter og tilbud er kryptert for dem som er med i prosjektet, og kan leses der.',
    en: 'What you have written in projects and bids is encrypted for those who are in the project, and can be read there.',
  },
  {
    about: 'user_identities',
    nb: 'Av et bekreftet fødselsnummer brukes et nøkkelavhengig avtrykk for å kjenne deg igjen. Det er ikke med, for det sier ingenting uten nøkkelen. Lagret fødselsnummer er forseglet til enheten du henter dette med.',
    en: 'Of a verified personnummer a keyed hash is used to recognise you. It is left out, for it says nothing without the key. A personnummer that is kept is sealed to the device you fetch this with.',
  },
  {
    about: 'user_key',
    nb: 'Private nøkler og andre hemmeligheter er ikke med: de åpner noe, og forteller ingenting om deg.',
    en: 'Private keys and other secrets are left out: they open things, and tell nothing about you.',
  },
  {
    about: 'suspected_duplicate',
    nb: 'Der en konto så ut til å være din, står det hva som tydet på det, ikke hvem den tilhører.',
    en: 'Where an account looked like yours, this says what suggested it, not whose it is.',
  },
]

/** What an export says where it applies. */
export const notes = {
  contactUnreadable: {
    about: 'user_identities',
    nb: 'Kontaktopplysninger er lagret, men kunne ikke leses. De er ikke med her; gi beskjed til den som driver tjenesten.',
    en: 'Contact details are kept, but could not be read. They are left out; tell the operator.',
  },
  numberUnreadable: {
    about: 'user_identities',
    nb: 'Et fødselsnummer er lagret, men kunne ikke leses. Det er ikke med her; gi beskjed til den som driver tjenesten.',
    en: 'A personnummer is kept, but could not be read. It is left out; tell the operator.',
  },
  numberWithoutDevice: {
    about: 'user_identities',
    nb: 'Et fødselsnummer er lagret. Det er ikke med her, fordi økten som spurte ikke hører til en enhet: hent det på en av enhetene dine.',
    en: 'A personnummer is kept. It is not in this export, since the session that asked has no device: ask for it on a device of yours.',
  },
  offered: {
    about: 'offered_personnummer',
    nb: 'En leverandør har oppgitt fødselsnummeret ditt ved en innlogging, og det venter i en time på at du svarer om det skal lagres. Her er det maskert.',
    en: 'A provider has told your personnummer at a login, and it waits for an hour for you to say whether it may be kept. It is masked here.',
  },
  merged: {
    about: 'account_merge',
    nb: 'I tretti dager etter en sammenslåing av kontoer huskes det som ble endret slik det var før, så den kan angres. Disse kopiene er ikke med.',
    en: 'For thirty days after accounts were merged, what changed is remembered as it was before, so that the merge can be undone. These copies are not in the export.',
  },
} as const satisfies Record<string, ExportNote>
