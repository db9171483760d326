import { Command } from 'commander'
import { type CommonOptions, finishRemoteCommand, print, printJson, terminalWidth } from '../command.ts'
import { renderTable } from '../table.ts'
import { formatTime } from '../times.ts'
import { actCommands, backfillCommand } from './act.ts'
import { createCommand, editCommand } from './change.ts'
import { previewCommand, showCommand, ticksCommand } from './look.ts'
import { type ScheduleView, timingOf } from './view.ts'

const EXAMPLES = `
Examples:
  $ bun run taskmaster schedules
  $ bun run taskmaster schedules preview --cron '30 2 * * *' --zone Europe/Berlin
  $ bun run taskmaster schedules create nightly --cron '30 2 * * *' --zone Europe/Berlin --cmd report
  $ bun run taskmaster schedules ticks nightly
  $ bun run taskmaster schedules pause nightly`

/** `schedules` alone lists them; everything else that can be done with them is a command below it. */
export function schedulesCommand(): Command {
  const list = new Command('list')
    .description('list schedules by name; the same as schedules alone')
    .option('--limit <count>', 'how many', '100')
    .addHelpText('after', '\nExample:\n  $ bun run taskmaster schedules list --json')
  finishRemoteCommand<[], CommonOptions & { limit: string }>(list, async (api, { json, limit }) => {
    const schedules = await api.get<ScheduleView[]>('/api/schedules', { limit })
    if (json) printJson(schedules)
    else print(schedules.length > 0 ? render(schedules) : 'No schedules.')
  })
  const group = new Command('schedules')
    .description('list and change recurring schedules')
    .addHelpText('after', EXAMPLES)
  group.addCommand(list, { isDefault: true })
  const others = [
    createCommand(),
    editCommand(),
    showCommand(),
    ...actCommands(),
    backfillCommand(),
    ticksCommand(),
    previewCommand(),
  ]
  for (const command of others) group.addCommand(command)
  return group
}

function render(schedules: ScheduleView[]): string {
  return renderTable(
    [
      { title: 'NAME', value: ({ name }) => name },
      { title: 'STATE', value: ({ state }) => state },
      { title: 'WHEN', value: timingOf },
      { title: 'NEXT', value: ({ next_at }) => formatTime(next_at) },
      {
        title: 'LAST',
        value: ({ last_tick }) => (last_tick ? `${formatTime(last_tick.tick_at)} ${last_tick.outcome}` : ''),
      },
      { title: 'COMMAND', value: ({ task }) => task.command, isFlexible: true },
    ],
    schedules,
    terminalWidth(),
  )
}
