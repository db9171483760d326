import { Command } from 'commander'
import { AppError } from '../shared/core/error.ts'
import { terminalLine } from '../shared/core/terminal.ts'
import type { Api, HealthView } from './api.ts'
import { type CommonOptions, finishRemoteCommand, print, printErrorLine, printJson } from './command.ts'
import { formatSeconds } from './duration.ts'
import { renderPairs } from './table.ts'
import { formatTime } from './times.ts'

export function healthCommand(): Command {
  const command = new Command('health')
    .description('show how the database and the coordinators are; exit code 1 when something is wrong')
    .addHelpText('after', '\nExamples:\n  $ bun run taskmaster health\n  $ bun run taskmaster health --json')
  return finishRemoteCommand<[], CommonOptions>(command, async (api, { json }) => {
    const health = await api.get<HealthView>('/api/health')
    if (json) printJson(health)
    else print(render(health))
    if (health.state !== 'ok') process.exitCode = 1
  })
}

function render(health: HealthView): string {
  const coordinators = health.coordinators.map(({ address, ...part }): [string, string] => [
    `Coordinator ${address}`,
    describe(part),
  ])
  const ageMs = health.database_age_ms
  const parts = renderPairs([
    ['System', health.state],
    ['Database', describe(health.database)],
    ['Answered', ageMs === null ? 'never' : `${formatSeconds(ageMs / 1000)} ago`],
    ['Live updates', describe(health.feed)],
    ...coordinators,
    ['Reports waiting', health.reports_waiting],
  ])
  return health.message === null ? parts : `${parts}\n\n! ${terminalLine(health.message)}`
}

const describe = ({ state, since }: Pick<HealthView['database'], 'state' | 'since'>) =>
  `${state} since ${formatTime(since)}`

/**
 * Asks for something after having asked how the system is: while the database is down there is no need to wait for an
 * answer that cannot come.
 *
 * @returns the answer, and what to warn of beside it; null when there is nothing
 * @throws `unavailable` in the words of the system's health, when that is why there is no answer
 */
export async function getWithHealth<T>(
  api: Api,
  path: string,
  query: Record<string, string | undefined> = {},
): Promise<{ answer: T; warning: string | null }> {
  // An older scheduler does not know the question.
  const health = await api.get<HealthView>('/api/health').catch(() => null)
  const warning = health && isInTrouble(health) ? health.message : null
  if (warning !== null && health?.database.state === 'down') throw new AppError('unavailable', warning)
  try {
    return { answer: await api.get<T>(path, query), warning }
  } catch (error) {
    const isForNow = error instanceof AppError && error.code === 'unavailable'
    throw isForNow && warning !== null ? new AppError('unavailable', warning) : error
  }
}

/** Late updates alone change nothing that a command shows. */
const isInTrouble = ({ database, coordinators }: HealthView) =>
  database.state === 'down' ||
  database.state === 'degraded' ||
  coordinators.length === 0 ||
  coordinators.some(({ state }) => state === 'down' || state === 'degraded')

/** Says beside an answer what is wrong with the system, on standard error. */
export function warn(warning: string | null, json: boolean): void {
  if (warning !== null) printErrorLine(json ? JSON.stringify({ warning }) : `Warning: ${warning}`)
}
