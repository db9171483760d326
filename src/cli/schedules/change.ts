import { Command } from 'commander'
import { AppError } from '../../shared/core/error.ts'
import { finishRemoteCommand, print, printJson } from '../command.ts'
import { type FieldOptions, scheduleFields, withFields } from './fields.ts'
import { describeSchedule, pathOf, type ScheduleView } from './view.ts'

const CREATE_EXAMPLES = `
Examples:
  $ bun run taskmaster schedules create nightly --cron '30 2 * * *' --zone Europe/Berlin --cmd report
  $ bun run taskmaster schedules create probe --every 30s --cmd check --overlap skip --catch-up skip
  $ bun run taskmaster schedules create rush --cron '*/10 * 8-18 * * MON-FRI' --cmd poll --priority HIGH --paused`

export function createCommand(): Command {
  const command = withFields(
    new Command('create')
      .description('make a schedule; look at its ticks first with schedules preview')
      .argument('<name>', 'a name of its own'),
  )
    .option('--paused', 'make it, but let it rest')
    .addHelpText('after', CREATE_EXAMPLES)
  return finishRemoteCommand<[string], FieldOptions & { paused?: true }>(
    command,
    async (api, options, name) => {
      if (options.cmd === undefined && options.task === undefined)
        throw new AppError('invalid', 'give --cmd or --task')
      const { paused } = options
      const made = await api.post<ScheduleView>('/api/schedules', {
        ...scheduleFields(options),
        name,
        paused,
      })
      if (options.json) printJson(made)
      else print(describeSchedule(made))
    },
  )
}

const EDIT_EXAMPLES = `
Examples:
  $ bun run taskmaster schedules edit nightly --cron '0 3 * * *'
  $ bun run taskmaster schedules edit nightly --priority CRITICAL --timeout 10m
  $ bun run taskmaster schedules edit nightly --name weekly --cron '0 3 * * MON' --json`

export function editCommand(): Command {
  const command = withFields(
    new Command('edit')
      .description('change a schedule; what is not given stays as it is')
      .argument('<schedule>', 'its name or id')
      .option('--name <name>', 'another name'),
  ).addHelpText('after', EDIT_EXAMPLES)
  return finishRemoteCommand<[string], FieldOptions>(command, async (api, options, schedule) => {
    const path = await pathOf(api, schedule)
    // A task is edited as a whole: what is not given of it is as it was, unless somebody else edits it meanwhile.
    const before = await api.get<ScheduleView>(path)
    const fields = { ...scheduleFields(options, before.task), version: before.version }
    const edited = await api.patch<ScheduleView>(path, fields)
    if (options.json) printJson(edited)
    else print(describeSchedule(edited))
  })
}
