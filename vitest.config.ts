import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { launchOptions } from './tools/testing/chromium.ts'

const conditions = ['source']
const resolve = { conditions: [...conditions, 'module', 'browser', 'development|production'] }
const ssr = { resolve: { conditions: [...conditions, 'module', 'node', 'development|production'] } }

export default defineConfig({
  test: {
    maxWorkers: 2,
    reporters: ['default', './tools/testing/reporter.ts'],
    globalSetup: ['tools/testing/global-setup.ts'],
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'node',
          environment: 'node',
          include: ['{packages,apps}/*/src/**/*.test.{ts,tsx}', 'tools/**/*.test.ts', 'tests/**/*.test.ts'],
          exclude: ['**/*.browser.test.{ts,tsx}', 'tests/e2e/**'],
          // Processes, key pairs and two databases on a busy machine; nothing is asserted by the clock.
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        resolve,
        optimizeDeps: {
          include: ['@hpke/core', '@simplewebauthn/browser', 'fast-check', 'jose', 'shamir-secret-sharing'],
        },
        test: {
          name: 'browser',
          // After the tests in Node, and one file at a time: some measure the main thread.
          sequence: { groupOrder: 1 },
          fileParallelism: false,
          include: ['packages/crypto/src/**/*.test.ts', 'packages/client/src/**/*.browser.test.{ts,tsx}'],
          testTimeout: 30_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: await launchOptions() }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'e2e',
          sequence: { groupOrder: 2 },
          environment: 'node',
          include: ['tests/e2e/**/*.test.ts'],
          fileParallelism: false,
          // A browser on a busy machine; the report names what needed it.
          retry: process.env.CI ? 1 : 0,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
