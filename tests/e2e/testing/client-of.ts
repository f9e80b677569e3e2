import type { Nokkel } from '@nokkel/client'
import type { JSHandle, Page } from 'playwright'

interface Fiber {
  readonly memoizedProps: { readonly client?: Nokkel } | null
  readonly child: Fiber | null
  readonly sibling: Fiber | null
}

/** The client that the page uses, found in the tree of React: for what no page of the application does yet. */
export async function clientOf(page: Page): Promise<JSHandle<Nokkel>> {
  return page.evaluateHandle(() => {
    const root = document.getElementById('root')
    const name = Object.keys(root ?? {}).find((key) => key.startsWith('__reactContainer$'))
    const open = [(root as unknown as Record<string, Fiber>)[name ?? '']]
    for (let fiber = open.pop(); fiber; fiber = open.pop()) {
      if (fiber.memoizedProps?.client) return fiber.memoizedProps.client
      open.push(...[fiber.sibling, fiber.child].filter((next) => next !== null))
    }
    throw new Error('The page has no client')
  })
}
