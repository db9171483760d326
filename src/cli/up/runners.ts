import { readFileSync } from 'node:fs'

/** A process as /proc tells of it. */
export interface ProcessFacts {
  pid: number
  parent: number
  session: number
  /** Ticks since the machine started: with the pid, the name of this process and no later one. */
  startedAt: string
  isZombie: boolean
  /** What it was started with, in one line. */
  command: string
}

export type ReadProcess = (pid: number) => ProcessFacts | null

/** `bun run up`, `bunx`, or the file that `bun run up` runs, while it waits for what it installed. */
const BUN_RUN = /^(\S*\/)?(bun|bunx)(\.exe)? (--bun )?(run|x|(\S*\/)?src\/cli\/(up|main)\.ts)\b/
/** npx and its like: by the title that they give themselves, or as a file that node runs. */
const PACKAGE_RUNNER = /^(\S*\/)?(node(js)? )?(--\S+ )*(\S*\/)?(npm|npx|pnpm|yarn|bunx)(-cli)?(\.c?js)?( |$)/
const SHELL = /^(\S*\/)?(sh|bash|dash|zsh) -c /

/** The line above `pid` that runs it as a script: npx, the shell that npx starts, and `bun run`. Nearest first. */
export function findRunners(pid: number, read: ReadProcess): ProcessFacts[] {
  const above: ProcessFacts[] = []
  const self = read(pid)
  for (let one = self && read(self.parent); one && one.pid > 1; one = read(one.parent)) {
    if (one.session !== self?.session || above.some(({ pid }) => pid === one?.pid)) break
    if (!isRunner(one.command) && !SHELL.test(one.command)) break
    above.push(one)
  }
  // A shell belongs to it only below a runner: what a shell starts by itself may outlive it.
  while (above.length > 0 && !isRunner(above.at(-1)?.command ?? '')) above.pop()
  return above
}

const isRunner = (command: string) => BUN_RUN.test(command) || PACKAGE_RUNNER.test(command)

/** The first of these that has ended; null while all are there. */
export function findEnded(runners: ProcessFacts[], read: ReadProcess): ProcessFacts | null {
  return (
    runners.find(({ pid, startedAt }) => {
      const now = read(pid)
      return now === null || now.isZombie || now.startedAt !== startedAt
    }) ?? null
  )
}

/** Null when there is no such process, or no /proc. */
export function readProcess(pid: number): ProcessFacts | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return {
      pid,
      parent: Number(fields[1]),
      session: Number(fields[3]),
      startedAt: fields[19] ?? '',
      isZombie: fields[0] === 'Z' || fields[0] === 'X',
      command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
    }
  } catch {
    return null
  }
}

const INTERVAL_MS = 500

/**
 * Calls `onEnd` once when one of the processes that run this one as a script has ended. npx that is told to end does so
 * without passing it on, and whatever runs scripts can be killed: nobody would be left who could stop what runs here.
 * The shells and services above those are not looked at, so what nohup, setsid or an init started stays.
 */
export function watchRunners(onEnd: (command: string) => void): void {
  const runners = findRunners(process.pid, readProcess)
  if (runners.length === 0) return
  const timer = setInterval(() => {
    const ended = findEnded(runners, readProcess)
    if (!ended) return
    clearInterval(timer)
    onEnd(ended.command)
  }, INTERVAL_MS)
  timer.unref()
}
