/** As `GET /api/command-line` tells of it. */
export interface CommandLine {
  prefix: string | null
  coordinator: string
}

/** A word as a shell takes it, whatever is in it. */
const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)

/** The line that runs a command of TaskMaster in a shell on the machine from which the system was started. */
export function commandFor(words: string[], { prefix }: CommandLine, origin: string): string {
  const command = words.map(quoted).join(' ')
  return prefix === null ? `bun run taskmaster ${command} --server ${origin}` : `${prefix} ${command}`
}

/** The line that starts workers there. */
export function startCommandFor(line: CommandLine): string {
  return line.prefix === null
    ? `bun src/worker/main.ts --coordinator-address ${quoted(line.coordinator)}`
    : commandFor(['scale', '3'], line, '')
}
