export type Language = 'nb' | 'en'

export const texts = {
  nb: {
    other: { language: 'en', label: 'English' },
    bankid: 'BankID-sandkasse',
    vipps: 'Vipps-sandkasse',
    idura: 'Idura-sandkasse',
    signicat: 'Signicat-sandkasse',
    notReal: 'Dette er ikke en ekte innlogging. Alle personene er oppdiktet.',
    choose: (client: string) => `Hvem vil du logge inn som hos ${client}?`,
    search: 'Søk etter person',
    scenario: 'Hva skal skje?',
    nothingSpecial: 'Ingenting spesielt',
    changes: 'Andre opplysninger i denne innloggingen',
    changesHint: 'Det som står tomt, er som hos personen. Strek for fødselsnummer: har ikke noe.',
    cancel: 'Avbryt',
    shares: (client: string) => `${client} ber om disse opplysningene`,
    approve: 'Godta og fortsett',
    nothing: 'finnes ikke',
    error: 'Innloggingen kan ikke fortsette',
    expired: 'Innloggingen er utløpt eller ble startet i en annen nettleser. Gå tilbake til appen og prøv igjen.',
    scopes: {
      name: 'Navn',
      phoneNumber: 'Telefonnummer',
      email: 'E-post',
      address: 'Adresser',
      birthDate: 'Fødselsdato',
      gender: 'Kjønn',
      nin: 'Fødselsnummer',
    },
  },
  en: {
    other: { language: 'nb', label: 'Norsk' },
    bankid: 'BankID sandbox',
    vipps: 'Vipps sandbox',
    idura: 'Idura sandbox',
    signicat: 'Signicat sandbox',
    notReal: 'This is not a real login. All the people are made up.',
    choose: (client: string) => `Who do you want to be at ${client}?`,
    search: 'Search for a person',
    scenario: 'What should happen?',
    nothingSpecial: 'Nothing special',
    changes: 'Other details in this login',
    changesHint: 'What is empty is that of the person. A hyphen as national number: has none.',
    cancel: 'Cancel',
    shares: (client: string) => `${client} asks for this information`,
    approve: 'Accept and continue',
    nothing: 'does not exist',
    error: 'The login cannot continue',
    expired: 'The login has expired, or was begun in another browser. Go back to the app and try again.',
    scopes: {
      name: 'Name',
      phoneNumber: 'Phone number',
      email: 'E-mail',
      address: 'Addresses',
      birthDate: 'Date of birth',
      gender: 'Gender',
      nin: 'National number',
    },
  },
} as const

/** English when the application or the person asks for it, else Norwegian. */
export function languageOf(asked: string | null | undefined, uiLocales: unknown): Language {
  if (asked === 'en' || asked === 'nb') return asked
  return typeof uiLocales === 'string' && /^en\b/.test(uiLocales) ? 'en' : 'nb'
}
