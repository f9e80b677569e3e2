/** The national number in a `login_hint` of BankID: `:12345678901`, also with `BID` or `BIS` before the colon. */
export function hintedNumber(loginHint: string | undefined): string | undefined {
  return /^(?:BID|BIS)?:(\d{11})$/.exec(loginHint ?? '')?.[1]
}
