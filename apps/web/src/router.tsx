import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { AssignmentPage } from './routes/assignment.tsx'
import { CallbackPage } from './routes/callback.tsx'
import { HomePage } from './routes/home.tsx'
import { InboxPage } from './routes/inbox.tsx'
import { LoginPage } from './routes/login.tsx'
import { NotFoundPage } from './routes/not-found.tsx'
import { AdministratorArea } from './shell/administrator-area.tsx'
import { CoordinatorArea } from './shell/coordinator-area.tsx'
import { PageFailed } from './shell/page-failed.tsx'
import { Shell } from './shell/shell.tsx'
import { SignedInArea } from './shell/signed-in-area.tsx'

const root = createRootRoute({ component: Shell, notFoundComponent: NotFoundPage, errorComponent: PageFailed })

const home = createRoute({ getParentRoute: () => root, path: '/', component: HomePage })
const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  component: LoginPage,
  // The router keeps what is only left out here as it was given: a refused value has to be overwritten.
  validateSearch: ({ to }): { to?: string | undefined } => ({
    to: typeof to === 'string' && /^\/(?![/\\])/.test(to) ? to : undefined,
  }),
})
const callback = createRoute({
  getParentRoute: () => root,
  path: '/callback/$provider/$organization',
  component: CallbackPage,
})

const signedIn = createRoute({ getParentRoute: () => root, id: 'signed-in', component: SignedInArea })
const inbox = createRoute({ getParentRoute: () => signedIn, path: '/inbox', component: InboxPage })
const assignment = createRoute({ getParentRoute: () => signedIn, path: '/assignments/$id', component: AssignmentPage })
const devices = createRoute({
  getParentRoute: () => signedIn,
  path: '/devices',
  component: lazyRouteComponent(() => import('./routes/devices.tsx'), 'DevicesPage'),
})
const keys = createRoute({
  getParentRoute: () => signedIn,
  path: '/keys',
  component: lazyRouteComponent(() => import('./routes/keys.tsx'), 'KeysPage'),
})
const companies = createRoute({
  getParentRoute: () => signedIn,
  path: '/companies',
  component: lazyRouteComponent(() => import('./routes/companies.tsx'), 'CompaniesPage'),
})
const company = createRoute({
  getParentRoute: () => signedIn,
  path: '/companies/$id',
  component: lazyRouteComponent(() => import('./routes/company.tsx'), 'CompanyPage'),
})
const join = createRoute({
  getParentRoute: () => signedIn,
  path: '/join',
  component: lazyRouteComponent(() => import('./routes/join.tsx'), 'JoinPage'),
})

const projects = createRoute({
  getParentRoute: () => signedIn,
  path: '/rfx',
  component: lazyRouteComponent(() => import('./routes/rfx.tsx'), 'ProjectsPage'),
})
const project = createRoute({
  getParentRoute: () => signedIn,
  path: '/rfx/$id',
  component: lazyRouteComponent(() => import('./routes/rfx-project.tsx'), 'ProjectPage'),
})
const projectParts = [
  createRoute({
    getParentRoute: () => project,
    path: '/',
    component: lazyRouteComponent(() => import('./routes/rfx-specification.tsx'), 'SpecificationPage'),
  }),
  createRoute({
    getParentRoute: () => project,
    path: '/documents',
    component: lazyRouteComponent(() => import('./routes/rfx-documents.tsx'), 'DocumentsPage'),
  }),
  createRoute({
    getParentRoute: () => project,
    path: '/comments',
    component: lazyRouteComponent(() => import('./routes/rfx-comments.tsx'), 'CommentsPage'),
  }),
  createRoute({
    getParentRoute: () => project,
    path: '/bids',
    component: lazyRouteComponent(() => import('./routes/rfx-bids.tsx'), 'BidsPage'),
  }),
  createRoute({
    getParentRoute: () => project,
    path: '/people',
    component: lazyRouteComponent(() => import('./routes/rfx-people.tsx'), 'PeoplePage'),
  }),
  createRoute({
    getParentRoute: () => project,
    path: '/check',
    component: lazyRouteComponent(() => import('./routes/rfx-check.tsx'), 'CheckPage'),
  }),
] as const
const reviewers = createRoute({
  getParentRoute: () => signedIn,
  path: '/reviewers',
  component: lazyRouteComponent(() => import('./routes/reviewers.tsx'), 'ReviewersPage'),
})

const account = createRoute({
  getParentRoute: () => signedIn,
  path: '/account',
  component: lazyRouteComponent(() => import('./routes/account.tsx'), 'AccountPage'),
})
const accountData = createRoute({
  getParentRoute: () => signedIn,
  path: '/account/data',
  component: lazyRouteComponent(() => import('./routes/account-data.tsx'), 'AccountDataPage'),
})
// Its last page comes when the session is gone.
const erasure = createRoute({
  getParentRoute: () => root,
  id: 'erasure',
  component: lazyRouteComponent(() => import('./routes/erase.tsx'), 'EraseArea'),
})
const erase = createRoute({
  getParentRoute: () => erasure,
  path: '/account/erase',
  component: lazyRouteComponent(() => import('./routes/erase.tsx'), 'ErasePage'),
})

const administrator = createRoute({
  getParentRoute: () => signedIn,
  id: 'administrator',
  component: AdministratorArea,
})
const administration = [
  createRoute({
    getParentRoute: () => administrator,
    path: '/admin',
    component: lazyRouteComponent(() => import('./routes/admin.tsx'), 'AdministrationPage'),
  }),
  createRoute({
    getParentRoute: () => administrator,
    path: '/admin/duplicates',
    component: lazyRouteComponent(() => import('./routes/duplicates.tsx'), 'DuplicatesPage'),
  }),
  createRoute({
    getParentRoute: () => administrator,
    path: '/admin/duplicates/$id',
    component: lazyRouteComponent(() => import('./routes/duplicate.tsx'), 'DuplicatePage'),
  }),
] as const

const coordinator = createRoute({ getParentRoute: () => signedIn, id: 'coordinator', component: CoordinatorArea })
const send = createRoute({
  getParentRoute: () => coordinator,
  path: '/send',
  component: lazyRouteComponent(() => import('./routes/send.tsx'), 'SendPage'),
})
const sent = createRoute({
  getParentRoute: () => coordinator,
  path: '/sent',
  component: lazyRouteComponent(() => import('./routes/sent.tsx'), 'SentPage'),
})

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    login,
    callback,
    erasure.addChildren([erase]),
    signedIn.addChildren([
      inbox,
      assignment,
      keys,
      devices,
      companies,
      company,
      join,
      projects,
      project.addChildren(projectParts),
      reviewers,
      account,
      accountData,
      administrator.addChildren(administration),
      coordinator.addChildren([send, sent]),
    ]),
  ]),
  defaultPreload: 'intent',
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
