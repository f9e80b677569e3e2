import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AnswerDependencies } from './answers.ts'
import type { Attempt } from './login/login.ts'
import { createRecent } from './login/recent.ts'
import { createLoginRoutes } from './login/routes.ts'
import type { Person } from './person.ts'
import { createProvider } from './provider.ts'
import type { ProviderDefinition } from './provider-definition.ts'
import { createScenarioPlan, type ScenarioPlan } from './scenarios/plan.ts'

export interface MountedProvider {
  readonly plan: ScenarioPlan
  /** Whether a path belongs to this provider. */
  owns(pathname: string): boolean
  /** @param route - Path within the provider, when it is not what follows its mount path. */
  handle(req: IncomingMessage, res: ServerResponse, url: URL, route?: string): Promise<void>
}

interface MountDependencies extends Omit<AnswerDependencies, 'attempts'> {
  readonly people: readonly Person[]
}

/** Places a provider at the path of its issuer. */
export function mountProvider(definition: ProviderDefinition, dependencies: MountDependencies): MountedProvider {
  const issuer = new URL(definition.issuer)
  const mountPath = issuer.pathname.replace(/\/$/, '')
  const attempts = createRecent<Attempt>()
  const plan = createScenarioPlan(definition.name)
  const provider = createProvider(definition, mountPath, { ...dependencies, attempts })
  const callback = provider.callback()
  const login = createLoginRoutes({ definition, provider, plan, attempts, ...dependencies })

  return {
    plan,
    owns: (pathname) => pathname.startsWith(`${mountPath}/`),
    async handle(req, res, url, route = url.pathname.slice(mountPath.length)) {
      if (route.startsWith('/login/') && (req.method === 'GET' || req.method === 'POST')) return login(req, res, url)
      // The issuer, never a header of the request, decides what URLs the provider answers with.
      req.headers['x-forwarded-host'] = issuer.host
      req.headers['x-forwarded-proto'] = issuer.protocol.slice(0, -1)
      Object.assign(req, { originalUrl: `${mountPath}${route}${url.search}` })
      req.url = `${route}${url.search}`
      await callback(req, res)
    },
  }
}
