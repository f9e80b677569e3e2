/** What somebody who reads their export must be told, with the part of it that is meant. */
export const exportNotes = [
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
] as const
