import { defineConfig } from 'vitest/config'

/** Run by Deno itself, see `deno.test.ts`. */
export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: ['packages/crypto/src/**/*.test.ts'],
    maxWorkers: 1,
    testTimeout: 60_000,
  },
})
