/** A line that a service logged; one that is not of its log (a crash's stack, say) has the level `raw`. */
export interface LogLine {
  level: string
  msg: string
  [field: string]: unknown
}

const RANKS: Record<string, number> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
  raw: 60,
}
/** Said by the prefix, or of no use to a reader. */
const OMITTED = new Set(['level', 'time', 'msg', 'service', 'worker', 'pid', 'hostname', 'err'])

export function parseLogLine(line: string): LogLine {
  try {
    const parsed: unknown = JSON.parse(line)
    if (parsed && typeof parsed === 'object' && 'msg' in parsed && 'level' in parsed) return parsed as LogLine
  } catch {
    // Not JSON.
  }
  return { level: 'raw', msg: line }
}

export function isAtLeast(line: LogLine, level: string): boolean {
  return (RANKS[line.level] ?? 60) >= (RANKS[level] ?? 60)
}

/** A line for people: `worker-1    WARN  Lost the coordinator  reason=reset`. */
export function formatLogLine(name: string, line: LogLine): string {
  const prefix = name.padEnd(11)
  if (line.level === 'raw') return `${prefix} ${line.msg}`
  const time = typeof line.time === 'string' ? `${line.time.slice(11, 19)} ` : ''
  const fields = Object.entries(line)
    .filter(([field]) => !OMITTED.has(field))
    .map(([field, value]) => ` ${field}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const error = line.err as { message?: unknown } | undefined
  const cause = error?.message ? `: ${error.message}` : ''
  return `${time}${prefix} ${line.level.toUpperCase().padEnd(5)} ${line.msg}${cause}${fields.join('')}`
}
