import { generatePrivateKey } from '@nokkel/crypto'

generatePrivateKey().then(
  (bytes) => postMessage(bytes, { transfer: [bytes.buffer] }),
  () => postMessage(null),
)
