import { type Assurance, LoginSettings, VippsCost, VippsSettings } from '@nokkel/contract'
import { z } from 'zod'
import { ConfigurationError } from '../configuration/configuration-error.ts'

/** How an organisation is to be a client of Vipps. */
export interface VippsDescription extends Partial<Omit<VippsSettings, 'secretSet' | 'clientId'>> {
  readonly clientId: string
  readonly clientSecret?: string
}

/** How an organisation is to be. What is left out stays as it is, or has its default in a new one. */
export interface OrganizationDescription {
  readonly slug: string
  readonly name: string
  /** `open`: whoever logs in becomes a member; `invited`: only those already registered get in. Default `open`. */
  readonly enrollment?: 'open' | 'invited'
  /** Default `one`. */
  readonly devicePolicy?: 'one' | 'several'
  /** Default `low`. */
  readonly minimumAssurance?: Assurance
  /** Days after their last login to it for which it has what providers told of its people, from 30 to 3650. Default 1095. */
  readonly retentionDays?: number
  /** By default production, switched on, and nothing more than it needs. */
  readonly vipps?: VippsDescription
  readonly cost?: Partial<VippsCost>
  /** Variables that name what is left out because they are not set. */
  readonly missing?: readonly string[]
}

const Variable = z.strictObject({ variable: z.string().min(1) })
const { clientId, ...vippsSettings } = VippsSettings.omit({ secretSet: true }).shape

const Description = z.strictObject({
  slug: LoginSettings.shape.organization,
  name: z.string().trim().min(1).max(200),
  enrollment: z.enum(['open', 'invited']).exactOptional(),
  devicePolicy: z.enum(['one', 'several']).exactOptional(),
  minimumAssurance: LoginSettings.shape.minimumAssurance.exactOptional(),
  retentionDays: z.int().min(30).max(3650).exactOptional(),
  vipps: z
    .strictObject({
      ...z.strictObject(vippsSettings).partial().shape,
      clientId: z.union([clientId, Variable]),
      // In a variable only: the file is there to be kept with the code.
      clientSecret: Variable.exactOptional(),
    })
    .exactOptional(),
  cost: VippsCost.partial().exactOptional(),
})

/**
 * Reads how organisations are to be.
 *
 * @param json - A list of {@link OrganizationDescription}, in which `clientSecret` is `{"variable": NAME}`, and `clientId` may be.
 *   Without the variable of a client id, all of `vipps` is left out.
 * @param name - What to call it in an error.
 * @throws {ConfigurationError} What is wrong and where, without a value.
 */
export function parseOrganizations(
  json: string,
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): OrganizationDescription[] {
  const { success, data, error } = z.array(Description).safeParse(parseJson(json, name))
  if (!success) {
    const [issue] = error.issues
    throw new ConfigurationError(`${name} is wrong at ${issue?.path.join('.') || 'the top'}: ${issue?.message}.`)
  }
  const slugs = data.map(({ slug }) => slug)
  const repeated = slugs.find((slug, index) => slugs.indexOf(slug) !== index)
  if (repeated !== undefined) throw new ConfigurationError(`${name} describes ${repeated} twice.`)
  return data.map((description) => resolve(description, name, environment))
}

function resolve(
  { vipps, ...description }: z.infer<typeof Description>,
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): OrganizationDescription {
  if (!vipps) return description as OrganizationDescription
  const missing: string[] = []
  const read = (variable: string): string | undefined => {
    const value = environment[variable]
    if (!value) missing.push(variable)
    return value || undefined
  }
  const id = typeof vipps.clientId === 'string' ? vipps.clientId : read(vipps.clientId.variable)
  const secret = vipps.clientSecret && read(vipps.clientSecret.variable)
  if (id !== undefined && !clientId.safeParse(id).success) {
    throw new ConfigurationError(`The client id of ${description.slug} in ${name} is none.`)
  }
  const { clientId: _id, clientSecret: _secret, ...settings } = vipps
  return {
    ...description,
    ...(id !== undefined && {
      vipps: { ...settings, clientId: id, ...(secret !== undefined && { clientSecret: secret }) },
    }),
    missing,
  } as OrganizationDescription
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ConfigurationError(`${name} is not JSON.`)
  }
}
