import { Command } from 'commander'
import {
  type CommonOptions,
  finishRemoteCommand,
  print,
  printJson,
  printLine,
  terminalWidth,
} from '../command.ts'
import { type LimitOptions, parseLimits } from './limits.ts'
import { describeQueue, type QueueView, renderQueues } from './view.ts'

const EXAMPLES = `
Examples:
  $ bun run taskmaster queues
  $ bun run taskmaster queues limit mail --concurrency 5 --rate 100/1m --key-concurrency 1
  $ bun run taskmaster queues pause mail --by "the operator on duty"
  $ bun run taskmaster queues resume mail`

const pathOf = (name: string) => `/api/queues/${encodeURIComponent(name)}`

/** `queues` alone lists them; everything else that can be done with them is a command below it. */
export function queuesCommand(): Command {
  const group = new Command('queues')
    .description('list queues, pause and resume them, and set their limits')
    .addHelpText('after', EXAMPLES)
  group.addCommand(listCommand(), { isDefault: true })
  for (const command of [showCommand(), limitCommand(), pauseCommand(), resumeCommand()])
    group.addCommand(command)
  return group
}

function listCommand(): Command {
  const command = new Command('list')
    .description('list queues by name; the same as queues alone')
    .addHelpText('after', '\nExample:\n  $ bun run taskmaster queues list --json')
  return finishRemoteCommand<[], CommonOptions>(command, async (api, { json }) => {
    const queues = await api.get<QueueView[]>('/api/queues')
    if (json) printJson(queues)
    else print(renderQueues(queues, terminalWidth()))
  })
}

function showCommand(): Command {
  const command = new Command('show')
    .description('show one queue: its limits, what of it is held and what is due')
    .argument('<queue>', 'its name')
    .addHelpText('after', '\nExample:\n  $ bun run taskmaster queues show mail')
  return finishRemoteCommand<[string], CommonOptions>(command, async (api, { json }, name) => {
    show(await api.get<QueueView>(pathOf(name)), json)
  })
}

const LIMIT_EXAMPLES = `
Examples:
  $ bun run taskmaster queues limit mail --concurrency 5 --rate 100/1m
  $ bun run taskmaster queues limit mail --key-concurrency 1 --key-rate 10/1s
  $ bun run taskmaster queues limit mail --rate none`

function limitCommand(): Command {
  const command = new Command('limit')
    .description('set limits of a queue, which may have no tasks yet; what is not given stays as it is')
    .argument('<queue>', 'its name')
    .option('--concurrency <count>', 'tasks that workers hold at once, or none')
    .option('--rate <count/time>', 'tasks that are started in any such time, such as 100/1m, or none')
    .option('--key-concurrency <count>', 'the same for each concurrency key')
    .option('--key-rate <count/time>', 'the same for each concurrency key')
    .addHelpText('after', LIMIT_EXAMPLES)
  return finishRemoteCommand<[string], CommonOptions & LimitOptions>(command, async (api, options, name) => {
    show(await api.patch<QueueView>(pathOf(name), parseLimits(options)), options.json)
  })
}

function pauseCommand(): Command {
  const command = new Command('pause')
    .description('start nothing more of queues until they are resumed; what runs goes on')
    .argument('<queues...>', 'their names')
    .option('--by <text>', 'by whom or why, for those who ask what a task waits for')
    .addHelpText('after', '\nExample:\n  $ bun run taskmaster queues pause mail --by "the operator on duty"')
  return finishRemoteCommand<[string[]], CommonOptions & { by?: string }>(
    command,
    async (api, { json, by }, names) => {
      const paused: QueueView[] = []
      for (const name of names) paused.push(await api.post<QueueView>(`${pathOf(name)}/pause`, { by }))
      tell(paused, 'paused', json)
    },
  )
}

function resumeCommand(): Command {
  const command = new Command('resume')
    .description('let paused queues go on')
    .argument('<queues...>', 'their names')
    .addHelpText('after', '\nExample:\n  $ bun run taskmaster queues resume mail')
  return finishRemoteCommand<[string[]], CommonOptions>(command, async (api, { json }, names) => {
    const resumed: QueueView[] = []
    for (const name of names) resumed.push(await api.post<QueueView>(`${pathOf(name)}/resume`, {}))
    tell(resumed, 'resumed', json)
  })
}

function show(queue: QueueView, json: true | undefined): void {
  if (json) printJson(queue)
  else print(describeQueue(queue))
}

function tell(queues: QueueView[], done: string, json: true | undefined): void {
  if (json) printJson(queues.length === 1 ? queues[0] : queues)
  else for (const { name } of queues) printLine(`${name}  ${done}`)
}
