import { join } from 'node:path'
import { atEnd } from './lifetime.ts'

const ROOT = join(import.meta.dir, '..', '..')

export interface BenchRun {
  code: number
  out: string
  err: string
  /** The first column of the table. */
  rows: string[]
  /** The first line of the table, without its first column. */
  columns: string[]
  /** The line of JSON at the end. */
  // biome-ignore lint/suspicious/noExplicitAny: each bench has its own
  result: any
}

/** Runs `bun run bench` with these words, and with one worker unless they say how many. */
export async function runBench(...args: string[]): Promise<BenchRun> {
  const child = startBench(args.includes('--workers') ? args : ['--workers', '1', ...args])
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  if (code !== 0) throw new Error(`the bench ended with ${code}: ${err}\n${out}`)
  const lines = out.trim().split('\n')
  const table = lines.filter((line) => line.startsWith('│')).map(cellsOf)
  return {
    code,
    out,
    err,
    rows: table.slice(1).map(([first = '']) => first),
    columns: table[0]?.slice(1) ?? [],
    result: JSON.parse(lines.at(-1) ?? ''),
  }
}

/** Runs it to its end with what must make it fail: what it says then, and its exit code. */
export async function runToFailure(
  args: string[],
  env?: Record<string, string>,
): Promise<{ code: number; err: string }> {
  const child = startBench(args, env)
  const [err, code] = await Promise.all([new Response(child.stderr).text(), child.exited])
  return { code, err }
}

/** Starts it without waiting for its end; `env` is added to ours. */
export function startBench(
  args: string[],
  env: Record<string, string> = {},
): Bun.Subprocess<'ignore', 'pipe', 'pipe'> {
  const child = Bun.spawn([process.execPath, join(ROOT, 'bench', 'main.ts'), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  // A test that failed must not leave a bench behind, which stops all that it has started.
  const forget = atEnd(() => {
    child.kill('SIGINT')
    return child.exited
  })
  child.exited.then(forget)
  return child
}

const cellsOf = (line: string) =>
  line
    .split('│')
    .slice(1, -1)
    .map((cell) => cell.trim())
