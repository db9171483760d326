/** Duration in ms by path. */
export type FileTimings = Record<string, number>

const SHOWN = 10

/** The slowest files of a run, so that one that grew is noticed. */
export function describeSlowest(timings: FileTimings): string {
  const slowest = Object.entries(timings)
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN)
  const lines = slowest.map(([file, ms]) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${file}`)
  return ['Slowest files:', ...lines].join('\n')
}

/** Collects the files with failures from the output of bun test, which names a file before its tests. */
export function findFailedFiles(): { add(text: string): void; files(): string[] } {
  const failed = new Set<string>()
  let rest = ''
  let current: string | null = null
  return {
    add(text) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines.map((one) => Bun.stripANSI(one).trim())) {
        const named = /^(test\/\S+\.test\.tsx?):$/.exec(line)
        // It ends with all failures once more, whatever file came last.
        if (/^\d+ tests? failed:$/.test(line)) current = null
        else if (named) current = named[1] as string
        else if (current && /^(\(fail\)|✗|error: Unhandled)/.test(line)) failed.add(current)
      }
    },
    files: () => [...failed],
  }
}

/** The command that runs again what failed, with the same chance. */
export function howToRepeat(files: string[], seed: number): string {
  return `To repeat: TEST_SEED=${seed} bun run test ${files.join(' ')}`.trimEnd()
}
