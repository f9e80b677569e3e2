/** One measured value, what it is compared with, and what it should be. */
export interface Figure {
  readonly what: string
  readonly value: number
  readonly unit: string
  /** The same work without us, measured in turns with ours. */
  readonly baseline?: { readonly what: string; readonly value: number }
  /** How well we do beside the baseline: 1 is as well, 0.5 half as well. */
  readonly ratio?: number
  readonly target?: { readonly text: string; readonly met: boolean }
}

/** A rate beside that of the baseline. */
export function compareRates(what: string, unit: string, value: number, baseline: Figure['baseline'] & object): Figure {
  return { what, value, unit, baseline, ratio: value / baseline.value }
}

/** The same figure with a lower limit on its ratio. */
export function expectRatio(figure: Figure, atLeast: number): Figure {
  const met = (figure.ratio ?? 0) >= atLeast
  return { ...figure, target: { text: `≥ ${Math.round(atLeast * 100)} %`, met } }
}

export function expectBelow(figure: Figure, limit: number): Figure {
  return { ...figure, target: { text: `< ${limit} ${figure.unit}`, met: figure.value < limit } }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const [low = Number.NaN, high = low] = [
    sorted[Math.floor((sorted.length - 1) / 2)],
    sorted[Math.floor(sorted.length / 2)],
  ]
  return (low + high) / 2
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function formatTable(figures: readonly Figure[]): string {
  const rows = figures.map(({ what, value, unit, baseline, ratio, target }) => [
    what,
    `${formatNumber(value)} ${unit}`,
    baseline ? `${formatNumber(baseline.value)} ${unit}: ${baseline.what}` : '',
    ratio === undefined ? '' : `${Math.round(ratio * 100)} %`,
    target ? `${target.text} ${target.met ? 'met' : 'missed'}` : '',
  ])
  const table = [['', 'measured', 'beside', 'ratio', 'target'], ...rows]
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function formatNumber(value: number): string {
  return value >= 100 ? Math.round(value).toString() : value.toFixed(value >= 10 ? 1 : 2)
}
