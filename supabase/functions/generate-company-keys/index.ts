import { serveNokkel } from '../_shared/serve-nokkel.ts'

serveNokkel()
