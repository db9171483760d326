import { AppError } from '../shared/core/error.ts'

const UNITS_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * A time span such as `500ms`, `30s`, `1.5h` or `1h30m`, in ms.
 *
 * @throws `invalid`
 */
export function parseDurationMs(text: string): number {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)]
  const whole = parts.map(([part]) => part).join('')
  if (whole === '' || whole !== text.trim()) {
    throw new AppError('invalid', `Invalid duration: ${text}. Write it like 500ms, 30s, 5m, 2h, 1d or 1h30m.`)
  }
  return parts.reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (UNITS_MS[unit as string] as number),
    0,
  )
}

/** Seconds for people: `0.250 s`, `4.5 min`; empty for null. */
export function formatSeconds(seconds: number | null): string {
  if (seconds === null) return ''
  if (seconds < 120) return `${seconds.toFixed(3)} s`
  return seconds < 7200 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`
}

/** As `parseDurationMs` reads it, in the largest unit that is whole: `1m`, `90s`, `250ms`. */
export function formatDuration(ms: number): string {
  const units = Object.entries(UNITS_MS).toReversed()
  const [unit, size] = units.find(([, of]) => ms % of === 0 && ms >= of) ?? ['ms', 1]
  return `${ms / size}${unit}`
}
