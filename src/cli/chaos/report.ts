import type { CheckResult } from './check.ts'
import type { Evidence } from './evidence.ts'
import { attemptKey } from './indexed.ts'
import type { Weather } from './plan.ts'

/** Violations shown of each check; the JSON has them all. */
const SHOWN = 10

export interface ChaosReport {
  ok: boolean
  seed: number
  durationMs: number
  weather: Weather
  /** How long it took until everything had ended once the faults had. */
  drainMs: number
  /** The command that runs the same faults again. */
  replay: string
  /** Where logs and history are kept; null: removed, because nothing was wrong. */
  folder: string | null
  submitted: number
  acknowledged: number
  states: Record<string, number>
  attempts: Record<string, number>
  /** Successes of attempts that had been given up, none of which was accepted. */
  lateSuccesses: number
  clockErrorMs: number
  faults: { atMs: number; what: string }[]
  /** How often schedulers answered with each status from 500. */
  serverErrors: Record<string, number>
  processEnds: number
  checks: CheckResult[]
}

/** What a run saw, in figures. */
export function summarise(evidence: Evidence) {
  const { submissions, tasks, attempts, history } = evidence
  const last = new Set(tasks.map(({ id, attempt }) => attemptKey(id, attempt)))
  const kept = new Set(tasks.map(({ id }) => id))
  return {
    submitted: submissions.length,
    acknowledged: submissions.filter(({ acknowledged }) => acknowledged.length > 0).length,
    states: tally(tasks.map(({ state }) => state)),
    attempts: {
      started: history.filter(({ event }) => event === 'start').length,
      ...tally(attempts.map(({ outcome }) => outcome)),
    },
    lateSuccesses: history.filter(
      ({ event, taskId, attempt }) =>
        event === 'completed' && kept.has(taskId) && !last.has(attemptKey(taskId, attempt)),
    ).length,
    serverErrors: tally(evidence.serverErrors.map(({ status }) => String(status))),
  }
}

function tally(words: string[]): Record<string, number> {
  return Object.fromEntries(
    [...Map.groupBy(words, (word) => word)].map(([word, all]) => [word, all.length] as const).sort(),
  )
}

/** The report for people. */
export function renderReport(report: ChaosReport): string {
  const { ok, seed, durationMs, drainMs, checks, faults } = report
  const figures = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')
  const lines = [
    `Seed ${seed} (${report.weather}), ${durationMs / 1000} s: ${faults.length} faults, ${report.processEnds} processes ended, drained in ${(drainMs / 1000).toFixed(1)} s`,
    `Submitted: ${report.submitted}, acknowledged: ${report.acknowledged}`,
    `Tasks:     ${figures(report.states)}`,
    `Attempts:  ${figures(report.attempts)}; late successes refused: ${report.lateSuccesses}`,
    `Answers:   ${figures(report.serverErrors) || 'none from 500'}`,
    '',
    ...(ok ? [] : ['What was done:', ...faults.map(renderFault), '']),
    ...checks.flatMap(renderCheck),
    '',
    ok ? 'Every promise was kept.' : 'A promise was broken.',
    ...(report.folder ? [`Logs and history: ${report.folder}`] : []),
    `Again: ${report.replay}`,
  ]
  return lines.join('\n')
}

const renderFault = ({ atMs, what }: ChaosReport['faults'][number]) =>
  `  ${(atMs / 1000).toFixed(1).padStart(6)} s  ${what}`

function renderCheck({ name, looked, violations }: CheckResult): string[] {
  const shown = violations.slice(0, SHOWN).map((violation) => `        ${violation}`)
  if (violations.length > SHOWN) shown.push(`        and ${violations.length - SHOWN} more`)
  return [`  ${violations.length === 0 ? 'ok  ' : 'FAIL'}  ${name} (${looked})`, ...shown]
}
