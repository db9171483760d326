import { Command } from 'commander'
import { AppError } from '../shared/core/error.ts'
import { FAULT_KINDS, type FaultKind } from './chaos/faults.ts'
import { ALL_KINDS } from './chaos/plan.ts'
import { renderReport } from './chaos/report.ts'
import { runChaos } from './chaos/run.ts'
import { type CommonOptions, finishCommand, print, printJson } from './command.ts'
import { parseDurationMs } from './duration.ts'

interface ChaosCommandOptions extends CommonOptions {
  seed?: string
  duration: string
  report?: string
  faults?: string
  list?: true
  keep?: true
}

const MIN_MS = 2000
const MAX_SEED = 4_294_967_295

const EXAMPLES = `
It starts a cluster and a PostgreSQL of its own, on free ports and in a temporary folder, and touches no other.

Examples:
  $ bun run taskmaster chaos
  $ bun run taskmaster chaos --seed 7 --duration 20s
  $ bun run taskmaster chaos --faults frozen-database,database-errors
  $ bun run taskmaster chaos --list
  $ bun run taskmaster chaos --report chaos.json`

/** @param env with TASKMASTER_PARENT set, the end of standard input stops it too */
export function chaosCommand(env: Record<string, string | undefined>): Command {
  const command = new Command('chaos')
    .description('break a cluster in every way for a while, and check that it kept every promise')
    .option('--seed <number>', 'which faults; the same seed and duration give the same (default: any)')
    .option('--duration <duration>', 'how long faults are made', '60s')
    .option('--faults <kinds>', 'only these kinds of faults, separated by commas (default: all)')
    .option('--list', 'list the kinds of faults')
    .option('--report <file>', 'write the report there as JSON')
    .option('--keep', 'keep the logs even when nothing is wrong')
    .addHelpText('after', EXAMPLES)
  return finishCommand<[], ChaosCommandOptions>(command, (options) => {
    // All of it is on this machine, where no proxy is asked.
    env.NO_PROXY = env.no_proxy = 'localhost,127.0.0.1'
    const stop = new AbortController()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort())
    if (env.TASKMASTER_PARENT) process.stdin.on('end', () => stop.abort()).resume()
    return chaos(options, stop.signal).finally(() => process.stdin.pause())
  })
}

async function chaos(
  { seed, duration, faults, list, report: file, keep, json }: ChaosCommandOptions,
  signal: AbortSignal,
): Promise<void> {
  if (list) return json ? printJson(FAULT_KINDS) : print(describeKinds())
  const durationMs = parseDurationMs(duration)
  if (durationMs < MIN_MS) throw new AppError('invalid', `--duration must be at least ${MIN_MS / 1000}s`)
  const startedAt = performance.now()
  try {
    const report = await runChaos({
      seed: seed === undefined ? Math.floor(Math.random() * 1_000_000) : parseSeed(seed),
      durationMs,
      ...(faults !== undefined && { kinds: parseKinds(faults) }),
      keep: keep === true,
      signal,
      onProgress(what) {
        const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
        process.stderr.write(`[${seconds.padStart(5)} s] ${what}\n`)
      },
    })
    if (file) await Bun.write(file, `${JSON.stringify(report, null, 2)}\n`)
    if (json) printJson(report)
    else print(renderReport(report))
    if (!report.ok) process.exitCode = 1
  } catch (error) {
    if (!signal.aborted) throw error
    process.stderr.write('Stopped.\n')
    process.exitCode = 130
  }
}

function describeKinds(): string {
  const width = Math.max(...ALL_KINDS.map((kind) => kind.length))
  return ALL_KINDS.map((kind) => `${kind.padEnd(width)}  ${FAULT_KINDS[kind]}`).join('\n')
}

function parseKinds(text: string): readonly FaultKind[] {
  if (text === 'all') return ALL_KINDS
  return text.split(',').map((word) => {
    const kind = ALL_KINDS.find((known) => known === word.trim())
    if (kind) return kind
    throw new AppError(
      'invalid',
      `--faults: there is no kind "${word.trim()}"; the kinds are ${ALL_KINDS.join(', ')}`,
    )
  })
}

function parseSeed(text: string): number {
  const seed = Number(text)
  if (/^\d+$/.test(text) && seed <= MAX_SEED) return seed
  throw new AppError('invalid', `--seed must be a whole number from 0 to ${MAX_SEED}`)
}
