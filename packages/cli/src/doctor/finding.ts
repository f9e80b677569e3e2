export const findingKinds = {
  environment_value: 'the value of a secret of this environment',
  private_key_pem: 'a private key as PEM',
  private_key_der: 'a private key as DER in text',
  private_jwk: 'a JWK with its private or secret part',
  service_role_token: 'a token with all rights to a Supabase project',
  supabase_secret_key: 'a secret API key of Supabase',
  database_url: 'a database URL with its password',
  hex_key: '256 bits in hexadecimal, which is what a master key looks like',
  secret_name: 'the name of a secret of the server',
  server_source: 'source code of the server',
} as const

export type FindingKind = keyof typeof findingKinds

/** Something in a text, at UTF-16 positions of it. */
export interface Match {
  readonly kind: FindingKind
  readonly start: number
  readonly end: number
  /** What may be shown of it. */
  readonly excerpt: string
}

export type Detector = (text: string) => Iterable<Match>

/** The first characters and how many there are in all: enough to find it again, too little to use it. */
export const mask = (secret: string): string => `${secret.slice(0, 4)}… (${secret.length} characters)`
