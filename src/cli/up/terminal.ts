import { styleText } from 'node:util'
import { terminalLine, terminalText } from '../../shared/core/terminal.ts'
import { formatLogLine, isAtLeast, type LogLine } from './log-line.ts'

export interface Terminal {
  /** What the launcher itself does, with the seconds since it started. */
  step(what: string): void
  say(text: string): void
  /** A line that a service logged; shown when it is serious enough. */
  relay(name: string, line: LogLine): void
}

/** @param level the least serious level of the services' lines that is shown */
export function createTerminal(level: string): Terminal {
  const startedAt = performance.now()
  // The terminal may be gone before we are.
  process.stdout.on('error', () => {})
  return {
    step(what) {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
      console.log(`${styleText('dim', `[${seconds.padStart(5)} s]`)} ${terminalText(what)}`)
    },
    say: (text) => console.log(text),
    relay(name, line) {
      if (!isAtLeast(line, level)) return
      const text = terminalLine(formatLogLine(name, line))
      console.log(
        isAtLeast(line, 'error')
          ? styleText('red', text)
          : isAtLeast(line, 'warn')
            ? styleText('yellow', text)
            : text,
      )
    },
  }
}
