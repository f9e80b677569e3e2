import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { composeDevelopment } from './compose.ts'
import { openDevelopmentKeys } from './development/keys.ts'
import { viteCommand, webDirectory } from './development/web-application.ts'

// Vite has the address that people and providers use, and hands everything but the web application on to the API.
const publicUrl = 'http://localhost:3000'

const data = '.nokkel'
const { keys } = openDevelopmentKeys(join(data, 'keys.json'))
const { close } = await composeDevelopment({
  port: 3001,
  publicUrl,
  keys,
  directory: join(data, 'database'),
  web: false,
})
const vite = spawn(process.execPath, [viteCommand, '--host', 'localhost', '--port', '3000', '--strictPort'], {
  cwd: webDirectory,
  stdio: 'inherit',
})
vite.on('exit', (code) => {
  close().then(
    () => process.exit(code ?? 0),
    () => process.exit(1),
  )
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => vite.kill(signal))
