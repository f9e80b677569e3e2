// RSA-OAEP and nothing else for so long, with several operations under way: answers with how many.

addEventListener(
  'message',
  async ({ data }: MessageEvent<{ readonly keys: CryptoKey[]; readonly milliseconds: number }>) => {
    const { keys, milliseconds } = data
    const plaintext = crypto.getRandomValues(new Uint8Array(32))
    const started = performance.now()
    let operations = 0
    const loop = async () => {
      while (performance.now() - started < milliseconds) {
        await crypto.subtle.encrypt('RSA-OAEP', keys[operations++ % keys.length] as CryptoKey, plaintext)
      }
    }
    await Promise.all(Array.from({ length: 8 }, loop))
    postMessage((operations * 1000) / (performance.now() - started))
  },
)
