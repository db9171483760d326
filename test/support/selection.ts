import { join } from 'node:path'

const ROOT = join(import.meta.dir, '..', '..')
/** These mostly wait for a Docker engine; of the database, one container is started, and the rest is as small ones are. */
const CONTAINERS = /^test\/containers\/(?!database\.)/
/** These start whole systems of processes; all others are small. */
const WHOLE = /^test\/(e2e|faults|browser)\//
/** These measure how fast a whole system is, or are several systems at once, so that nothing may run beside them. */
const ALONE = /^test\/(e2e\/(time|priorities)|faults\/chaos)\.test\.ts$/

export const KINDS = ['small', 'containers', 'whole', 'alone'] as const
export type Kind = (typeof KINDS)[number]

function kindOf(file: string): Kind {
  if (ALONE.test(file)) return 'alone'
  if (CONTAINERS.test(file)) return 'containers'
  return WHOLE.test(file) ? 'whole' : 'small'
}
/** Flags of `bun test` whose value is the next word. */
const WITH_VALUE = new Set(['-t', '--test-name-pattern', '--timeout', '--rerun-each', '--seed', '--retry'])

export interface Group {
  kind: Kind
  files: string[]
}

export interface Selection {
  groups: Group[]
  flags: string[]
}

/** Splits the words after `bun run test` into flags and patterns, and finds the files that match a pattern. */
export async function selectTests(words: string[]): Promise<Selection> {
  const flags: string[] = []
  const patterns: string[] = []
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string
    if (!word.startsWith('-')) patterns.push(word.replace(/^\.\//, ''))
    else if (WITH_VALUE.has(word)) flags.push(word, words[++index] ?? '')
    else flags.push(word)
  }
  const all = [...new Bun.Glob('test/**/*.test.ts').scanSync(ROOT)].sort()
  const files = all.filter(
    (file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)),
  )
  const groups = KINDS.map((kind) => ({
    kind,
    files: files.filter((file) => kindOf(file) === kind).map((file) => join(ROOT, file)),
  }))
  return { groups: groups.filter((group) => group.files.length > 0), flags }
}
