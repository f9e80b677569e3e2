import type { RealDevice, RealServer } from '../../../tools/testing/real-server.ts'

/** People of Fjordhjelpen as the seed has them, and how they log in. */
const people = {
  /** Buyers: Fjordhjelpen Innkjøp. */
  silje: ['fjordhjelpen-koordinator', 'vipps'],
  kari: ['likeperson-medlem-1', 'bankid'],
  /** A developer. */
  marit: ['administrator', 'vipps'],
  /** Åsgårdstrand Rør; Gáhpir Trebygg; Fjell Malermester. */
  bjorn: ['fjordhjelpen-medlem-1', 'vipps'],
  aile: ['fjordhjelpen-medlem-2', 'vipps'],
  ola: ['likeperson-medlem-2', 'bankid'],
} as const

export const companies = {
  innkjop: '5eed0000-0000-4000-8003-000000000004',
  ror: '5eed0000-0000-4000-8003-000000000003',
  maler: '5eed0000-0000-4000-8003-000000000005',
} as const

export interface Device extends RealDevice {
  /** Of the person. */
  readonly id: string
}

/** Somebody logs in on a device of their own. */
export async function logIn(server: RealServer, name: keyof typeof people): Promise<Device> {
  const [person, provider] = people[name]
  const device = server.createDevice({ organization: 'fjordhjelpen', deviceName: name })
  const { nokkel } = device
  const keys = await device.logIn(person, provider)
  const userKeys = nokkel.userKeys.getSnapshot()
  if (keys.status !== 'ready' || userKeys.status !== 'ready')
    throw new Error(`${name}: ${keys.status}, ${userKeys.status}`)
  return { ...device, id: nokkel.auth.getSnapshot().me?.id ?? '' }
}
