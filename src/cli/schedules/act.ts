import { Command } from 'commander'
import type { Api } from '../api.ts'
import { type CommonOptions, finishRemoteCommand, print, printJson, printLine } from '../command.ts'
import { pathOf } from './view.ts'

interface Deed {
  name: string
  description: string
  perform: (api: Api, path: string) => Promise<object>
  done: string
}

const DEEDS: Deed[] = [
  {
    name: 'pause',
    description: 'let schedules rest; while they do they have no ticks',
    perform: (api, path) => api.post(`${path}/pause`, {}),
    done: 'paused',
  },
  {
    name: 'resume',
    description: 'end the rest of schedules, with the next tick from now on',
    perform: (api, path) => api.post(`${path}/resume`, {}),
    done: 'resumed',
  },
  {
    name: 'run-now',
    description: 'start the task of schedules at once, beside their ticks',
    perform: (api, path) => api.post(`${path}/run-now`, {}),
    done: 'task started',
  },
  {
    name: 'delete',
    description: 'delete schedules and their ledgers; their tasks stay',
    perform: (api, path) => api.delete(path),
    done: 'deleted',
  },
]

export const actCommands = (): Command[] => DEEDS.map(actCommand)

function actCommand({ name, description, perform, done }: Deed): Command {
  const command = new Command(name)
    .description(description)
    .argument('<schedules...>', 'their names or ids')
    .addHelpText(
      'after',
      `\nExamples:\n  $ bun run taskmaster schedules ${name} nightly\n  $ bun run taskmaster schedules ${name} nightly probe --json`,
    )
  return finishRemoteCommand<[string[]], CommonOptions>(command, async (api, { json }, schedules) => {
    const answers: object[] = []
    for (const schedule of schedules) {
      const answer = await perform(api, await pathOf(api, schedule))
      answers.push(answer)
      const task = 'task_id' in answer ? `: ${answer.task_id}` : ''
      if (!json) printLine(`${schedule}  ${done}${task}`)
    }
    if (json) printJson(answers.length === 1 ? answers[0] : answers)
  })
}

const BACKFILL_EXAMPLES = `
Example:
  $ bun run taskmaster schedules backfill nightly --from 2030-01-01T00:00:00Z --to 2030-01-08T00:00:00Z`

/** Both are needed; the scheduler says so. */
interface BackfillOptions extends CommonOptions {
  from?: string
  to?: string
}

export function backfillCommand(): Command {
  const command = new Command('backfill')
    .description('start the ticks of a past time that were skipped or never came, 1000 at most')
    .argument('<schedule>', 'its name or id')
    .option('--from <time>', 'the first of it: ISO 8601 with Z or an offset')
    .option('--to <time>', 'the last of it')
    .addHelpText('after', BACKFILL_EXAMPLES)
  return finishRemoteCommand<[string], BackfillOptions>(
    command,
    async (api, { json, from, to }, schedule) => {
      const path = await pathOf(api, schedule)
      const done = await api.post<{ count: number; ticks: number }>(`${path}/backfill`, { from, to })
      if (json) printJson(done)
      else
        print(
          `${done.count} of ${done.ticks} ${done.ticks === 1 ? 'tick' : 'ticks'} started; the others had been`,
        )
    },
  )
}
