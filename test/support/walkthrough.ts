import { join } from 'node:path'

const ROOT = join(import.meta.dir, '..', '..')

/** What a README tells its reader to do. */
export interface Walkthrough {
  /** Settings that the system is started with. */
  env: Record<string, string>
  /** Commands in their order, each with what it prints; `…` stands for anything in a line. */
  steps: { command: string; prints: string[] }[]
}

/** Reads the blocks of a README: `sh` has the line that starts the system, `console` commands and their output. */
export async function readWalkthrough(path: string): Promise<Walkthrough> {
  const text = await Bun.file(join(ROOT, path)).text()
  const blocks = [...text.matchAll(/^```(sh|console)\n([\s\S]*?)^```$/gm)]
  const start = blocks.flatMap(([, kind, block = '']) =>
    kind === 'sh' && block.includes('bun run up') ? [block] : [],
  )
  const env = [...(start[0] ?? '').matchAll(/\b([A-Z_]+)=(\S+)/g)].map(([, name = '', value = '']) => [
    name,
    value,
  ])
  const lines = blocks.flatMap(([, kind, block = '']) =>
    kind === 'console' ? block.trimEnd().split('\n') : [],
  )
  const steps: Walkthrough['steps'] = []
  for (const line of lines) {
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), prints: [] })
    else steps.at(-1)?.prints.push(line)
  }
  return { env: Object.fromEntries(env), steps }
}

export interface Printed {
  code: number
  /** Both streams, line by line. */
  lines: string[]
}

/** Runs a command as somebody at the root of the sources would. */
export async function runInShell(command: string, env: Record<string, string>): Promise<Printed> {
  const { PATH = '', HOME = '', TMPDIR = '/tmp' } = process.env
  // The bun that runs this, whatever else is called so.
  const path = `${join(process.execPath, '..')}:${PATH}`
  const child = Bun.spawn(['sh', '-c', `${command} 2>&1`], {
    cwd: ROOT,
    env: { PATH: path, HOME, TMPDIR, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
  })
  const [text, code] = await Promise.all([new Response(child.stdout).text(), child.exited])
  // What `bun run` itself says of a script.
  return {
    code,
    lines: text
      .trimEnd()
      .split('\n')
      .filter((line) => !line.startsWith('$ ')),
  }
}

/** Whether a line is what a README says, in which `…` stands for anything. */
export function isAsWritten(line: string, written: string): boolean {
  const pattern = written.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${pattern.join('.*')}$`).test(line)
}
