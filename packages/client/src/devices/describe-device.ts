/** A name people recognise, such as `Chrome, Android`; from what the browser says of itself. */
export function describeDevice(userAgent: string = globalThis.navigator?.userAgent ?? ''): string {
  const browser = firstOf(userAgent, [
    [/\bEdg(e|A|iOS)?\//, 'Edge'],
    [/\bOPR\//, 'Opera'],
    [/\bSamsungBrowser\//, 'Samsung Internet'],
    [/\b(Firefox|FxiOS)\//, 'Firefox'],
    [/\b(Chrome|CriOS|HeadlessChrome)\//, 'Chrome'],
    [/\bSafari\//, 'Safari'],
    [/^Node/, 'Node.js'],
    [/^Deno/, 'Deno'],
  ])
  const system = firstOf(userAgent, [
    [/\biPhone\b/, 'iPhone'],
    [/\biPad\b/, 'iPad'],
    [/\bAndroid\b/, 'Android'],
    [/\bWindows\b/, 'Windows'],
    [/\bMac OS X\b/, 'Mac'],
    [/\bCrOS\b/, 'ChromeOS'],
    [/\bLinux\b/, 'Linux'],
  ])
  return [browser, system].filter(Boolean).join(', ') || 'Browser'
}

function firstOf(text: string, names: readonly [RegExp, string][]): string | undefined {
  return names.find(([pattern]) => pattern.test(text))?.[1]
}
