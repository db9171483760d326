import { Command } from 'commander'
import { AppError } from '../shared/core/error.ts'
import { renderReport } from './chaos/report.ts'
import { runChaos } from './chaos/run.ts'
import { type CommonOptions, finishCommand, print, printJson } from './command.ts'
import { parseDurationMs } from './duration.ts'

interface ChaosCommandOptions extends CommonOptions {
  seed?: string
  duration: string
  report?: string
  keep?: true
}

const MIN_MS = 2000
const MAX_SEED = 4_294_967_295

const EXAMPLES = `
It starts a cluster and a PostgreSQL of its own, on free ports and in a temporary folder, and touches no other.

Examples:
  $ bun run taskmaster chaos
  $ bun run taskmaster chaos --seed 7 --duration 20s
  $ bun run taskmaster chaos --report chaos.json`

/** @param env with TASKMASTER_PARENT set, the end of standard input stops it too */
export function chaosCommand(env: Record<string, string | undefined>): Command {
  const command = new Command('chaos')
    .description('break a cluster in every way for a while, and check that it kept every promise')
    .option('--seed <number>', 'which faults; the same seed and duration give the same (default: any)')
    .option('--duration <duration>', 'how long faults are made', '60s')
    .option('--report <file>', 'write the report there as JSON')
    .option('--keep', 'keep the logs even when nothing is wrong')
    .addHelpText('after', EXAMPLES)
  return finishCommand<[], ChaosCommandOptions>(command, (options) => {
    const stop = new AbortController()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort())
    if (env.TASKMASTER_PARENT) process.stdin.on('end', () => stop.abort()).resume()
    return chaos(options, stop.signal).finally(() => process.stdin.pause())
  })
}

async function chaos(
  { seed, duration, report: file, keep, json }: ChaosCommandOptions,
  signal: AbortSignal,
): Promise<void> {
  const durationMs = parseDurationMs(duration)
  if (durationMs < MIN_MS) throw new AppError('invalid', `--duration must be at least ${MIN_MS / 1000}s`)
  const startedAt = performance.now()
  try {
    const report = await runChaos({
      seed: seed === undefined ? Math.floor(Math.random() * 1_000_000) : parseSeed(seed),
      durationMs,
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

function parseSeed(text: string): number {
  const seed = Number(text)
  if (/^\d+$/.test(text) && seed <= MAX_SEED) return seed
  throw new AppError('invalid', `--seed must be a whole number from 0 to ${MAX_SEED}`)
}
