import { paraglideVitePlugin } from '@inlang/paraglide-js'
import react from '@vitejs/plugin-react'
import { defaultClientConditions, defineConfig } from 'vite'

// `npm run dev` has the API there.
const api = { target: 'http://localhost:3001', changeOrigin: false }

export default defineConfig({
  plugins: [
    react(),
    paraglideVitePlugin({
      project: './project.inlang',
      outdir: './src/paraglide',
      // What is remembered on the device is a matter of settings/locale.ts.
      strategy: ['globalVariable', 'baseLocale'],
      emitReadme: false,
    }),
  ],
  resolve: { conditions: ['source', ...defaultClientConditions] },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    // The content security policy of the server allows fonts and scripts from files only, not from data: URLs.
    assetsInlineLimit: 0,
    rolldownOptions: {
      treeshake: {
        // Importing these defines nothing global: what no page uses of them can go. The package does not say so itself.
        moduleSideEffects: [
          { test: /@digdir\/designsystemet-react\/dist\/esm\//, sideEffects: false },
          {
            test: /designsystemet-web\/dist\/esm\/(breadcrumbs|error-summary|pagination|popover|suggestion|tabs|tooltip)\//,
            sideEffects: false,
          },
          { test: /\/(@u-elements|@floating-ui|@radix-ui|tabbable)\//, sideEffects: false },
        ],
      },
    },
  },
  server: {
    proxy: {
      '/nokkel': api,
      '/sandbox': api,
      '/crypto-service': api,
      '/generate-user-keys': api,
      '/generate-company-keys': api,
    },
  },
})
