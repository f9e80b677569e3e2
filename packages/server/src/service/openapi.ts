import type { OpenAPIHono } from '@hono/zod-openapi'
import type { ApiVariables } from '../http/create-api.ts'

const description = `Failures are problem documents (RFC 9457) with a stable \`code\`. Bytes are base64url without padding,
points in time are RFC 3339. Operations that need a DPoP proof (RFC 9449) take it in the \`DPoP\` header.`

/** Serves the description of every operation registered on the application. */
export function registerOpenApi(app: OpenAPIHono<ApiVariables>, publicUrl: string, version: string): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'accessToken', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
  })
  let document: string | undefined
  app.get('/nokkel/openapi.json', () => {
    document ??= JSON.stringify(
      app.getOpenAPI31Document({
        openapi: '3.1.0',
        info: { title: 'Nøkkel', version, description, license: { name: 'Apache-2.0' } },
        servers: [{ url: publicUrl }],
      }),
    )
    return new Response(document, {
      headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' },
    })
  })
}
