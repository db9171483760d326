import { createResource } from 'solid-js'
import { type CommandLine, commandFor, startCommandFor } from './commands.ts'

/** Until the scheduler has said: how it is where nothing else is set. */
const USUAL: CommandLine = { prefix: null, coordinator: 'localhost:8080' }

/** Lines to copy, for the scheduler that this page is of. */
export function createCommands() {
  const [found] = createResource(async (): Promise<CommandLine> => {
    const response = await fetch('/api/command-line').catch(() => null)
    return response?.ok ? ((await response.json()) as CommandLine) : USUAL
  })
  const line = () => found() ?? USUAL
  return {
    command: (...words: string[]) => commandFor(words, line(), location.origin),
    startWorkers: () => startCommandFor(line()),
  }
}
