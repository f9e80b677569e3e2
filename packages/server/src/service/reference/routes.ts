import type { Hono } from 'hono'
import type { ApiVariables } from '../../http/create-api.ts'
import { page } from './page.ts'
import { script } from './script.ts'
import { style } from './style.ts'

/** A page to read the API in, without scripts or styles of others. */
export function registerReference(app: Hono<ApiVariables>): void {
  serve('/nokkel/reference', 'text/html; charset=utf-8', page)
  serve('/nokkel/reference/style.css', 'text/css; charset=utf-8', style)
  serve('/nokkel/reference/script.js', 'text/javascript; charset=utf-8', script)

  function serve(path: string, type: string, body: string): void {
    const headers = { 'content-type': type, 'cache-control': 'public, max-age=300' }
    app.get(path, () => new Response(body, { headers }))
  }
}
