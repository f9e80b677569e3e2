import { generateDeviceKeys } from '@nokkel/crypto'

generateDeviceKeys().then(
  (keys) => postMessage(keys),
  () => postMessage(null),
)
