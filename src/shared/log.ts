import pino from 'pino'
import pretty from 'pino-pretty'
import { terminalLine, terminalText } from './core/terminal.ts'

export type Log = pino.Logger

export interface LogOptions {
  service: string
  /** trace, debug, info, warn, error, fatal or silent. */
  level: string
}

/** One JSON line per event on standard output; readable lines when that is a terminal. */
export function createLog({ service, level }: LogOptions): Log {
  const options: pino.LoggerOptions = {
    hooks: { streamWrite: process.stdout.isTTY ? forTerminal : terminalText },
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  }
  return process.stdout.isTTY
    ? pino(options, pretty({ colorize: true, ignore: 'pid', translateTime: 'HH:MM:ss.l', sync: true }))
    : pino(options, pino.destination({ dest: 1, sync: true }))
}

/** A line of JSON with nothing in it that a terminal would carry out once its texts are shown as they are. */
function forTerminal(line: string): string {
  const safe = (key: string, value: unknown) =>
    typeof value === 'string' ? (key === 'stack' ? terminalText(value) : terminalLine(value)) : value
  return `${JSON.stringify(JSON.parse(line), safe)}\n`
}
