import './trusted-types.ts'
import './callback-url.ts'
import './invitation.ts'
import '@digdir/designsystemet-css'
import './theme/nokkel.css'
import '@fontsource-variable/inter/wght.css'
import './app.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
