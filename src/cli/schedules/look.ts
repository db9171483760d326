import { Command } from 'commander'
import { type CommonOptions, finishRemoteCommand, print, printJson, terminalWidth } from '../command.ts'
import { renderTable } from '../table.ts'
import { formatTime } from '../times.ts'
import { type TimingOptions, timingFields, withTiming } from './fields.ts'
import { describeSchedule, type PreviewView, pathOf, type ScheduleView, type TickView } from './view.ts'

export function showCommand(): Command {
  const command = new Command('show')
    .description('show one schedule')
    .argument('<schedule>', 'its name or id')
    .addHelpText('after', '\nExample:\n  $ bun run taskmaster schedules show nightly')
  return finishRemoteCommand<[string], CommonOptions>(command, async (api, { json }, schedule) => {
    const found = await api.get<ScheduleView>(await pathOf(api, schedule))
    if (json) printJson(found)
    else print(describeSchedule(found))
  })
}

export function ticksCommand(): Command {
  const command = new Command('ticks')
    .description('what became of the ticks of a schedule, the latest first')
    .argument('<schedule>', 'its name or id')
    .option('--limit <count>', 'how many', '20')
    .addHelpText('after', '\nExample:\n  $ bun run taskmaster schedules ticks nightly --limit 50')
  return finishRemoteCommand<[string], CommonOptions & { limit: string }>(
    command,
    async (api, { json, limit }, schedule) => {
      const ticks = await api.get<TickView[]>(`${await pathOf(api, schedule)}/ticks`, { limit })
      if (json) printJson(ticks)
      else print(ticks.length > 0 ? renderTicks(ticks) : 'No ticks yet.')
    },
  )
}

function renderTicks(ticks: TickView[]): string {
  return renderTable(
    [
      { title: 'TICK', value: ({ tick_at }) => formatTime(tick_at) },
      { title: 'OUTCOME', value: ({ outcome }) => outcome },
      { title: 'LAG', value: ({ lag_ms }) => `${Math.round(lag_ms)} ms`, align: 'right' },
      { title: 'TASK ID', value: ({ task_id }) => task_id ?? '' },
      { title: 'REASON', value: ({ reason }) => reason ?? '', isFlexible: true },
    ],
    ticks,
    terminalWidth(),
  )
}

const PREVIEW_EXAMPLES = `
Examples:
  $ bun run taskmaster schedules preview --cron '30 2 * * *' --zone Europe/Berlin
  $ bun run taskmaster schedules preview --every 90m --count 3 --json`

export function previewCommand(): Command {
  const command = withTiming(
    new Command('preview').description('show when a schedule would have ticks, before it is made'),
  )
    .option('--count <count>', 'how many ticks', '10')
    .addHelpText('after', PREVIEW_EXAMPLES)
  return finishRemoteCommand<[], TimingOptions & { count: string }>(
    command,
    async (api, { json, count, ...timing }) => {
      const found = await api.post<PreviewView>('/api/schedules/preview', {
        ...timingFields(timing),
        count: Number(count),
      })
      if (json) printJson(found)
      else print(renderPreview(found))
    },
  )
}

function renderPreview({ time_zone, ticks, clock_changes }: PreviewView): string {
  const table = renderTable(
    [
      { title: time_zone.toUpperCase(), value: ({ local }) => local },
      { title: 'UTC', value: ({ at }) => at.slice(0, 19).replace('T', ' ') },
      { title: 'NOTE', value: ({ note }) => note ?? '', isFlexible: true },
    ],
    ticks,
    terminalWidth(),
  )
  if (clock_changes.length === 0) return table
  return `${table}\n\nWhen clocks change:\n${clock_changes.map(({ note }) => `  ${note}`).join('\n')}`
}
