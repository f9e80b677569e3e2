export { type Finding, type FindingKind, type ScanReport, scanBundle } from './doctor/scan-bundle.ts'
export { runNokkel } from './run.ts'
export type { Terminal } from './terminal/terminal.ts'
