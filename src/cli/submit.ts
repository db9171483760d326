import { Command } from 'commander'
import { AppError } from '../shared/core/error.ts'
import { parseExact } from '../shared/core/exact-json.ts'
import { terminalLine } from '../shared/core/terminal.ts'
import type { Api, TaskView } from './api.ts'
import { type CommonOptions, finishRemoteCommand, print, printJson } from './command.ts'
import { formatSeconds, parseDurationMs } from './duration.ts'
import { parsePriority } from './priority.ts'
import { submitFile } from './submit-file.ts'
import { waitForEnd } from './watch.ts'

interface SubmitOptions extends CommonOptions {
  cmd?: string
  name?: string
  desc?: string
  priority?: string
  at?: string
  in?: string
  executor?: string
  payload?: string
  retries?: string
  backoff?: string
  backoffCap?: string
  timeout?: string
  cancelGrace?: string
  queue?: string
  key?: string
  label?: string[]
  idempotencyKey?: string
  wait?: true
  file?: string
  dependsOn?: string
  onParentFailure?: string
}

interface Submitted {
  task_id: string
  status: string
}

const EXAMPLES = `
Examples:
  $ bun run taskmaster submit --cmd hello
  $ bun run taskmaster submit --cmd report --priority HIGH --in 30s --wait
  $ bun run taskmaster submit --cmd nap --payload '{"duration_ms": 200}' --wait
  $ bun run taskmaster submit --executor shell --cmd 'date; df -h /' --wait     # a worker with WORKER_EXECUTORS=shell
  $ bun run taskmaster submit --executor http --cmd https://example.com --wait
  $ bun run taskmaster submit --executor function --cmd send-email --payload '{"to": "me@example.com"}'
  $ bun run taskmaster submit --cmd fetch --retries 5 --backoff 2s --backoff-cap 1m --timeout 30s
  $ bun run taskmaster submit --cmd letter --queue mail --key customer-17
  $ bun run taskmaster submit --cmd train --label gpu --label eu
  $ bun run taskmaster submit --cmd invoice --idempotency-key order-4711
  $ bun run taskmaster submit --cmd report --at 2030-01-01T09:00:00+01:00 --json
  $ bun run taskmaster submit --cmd publish --depends-on 0190b5a2-7c3e-7000-8000-000000000000 --on-parent-failure skip
  $ bun run taskmaster submit --file tasks.ndjson
  $ generate | bun run taskmaster submit --file -`

export function submitCommand(): Command {
  const command = new Command('submit')
    .description('submit a task, for now or for later')
    .option('--cmd <command>', 'what to run (required, or --file)')
    .option('--file <file>', 'many tasks instead, one JSON object on each line; - is standard input')
    .option('--priority <priority>', 'LOW, MEDIUM, HIGH, CRITICAL or a number (default LOW)')
    .option('--name <name>', 'a name')
    .option('--desc <description>', 'a description')
    .option('--at <time>', 'when: ISO 8601 with Z or an offset')
    .option('--in <duration>', 'when: this long from now, such as 30s, 5m, 2h')
    .option('--executor <name>', 'how to run it: simulate (default), shell, http or function')
    .option('--payload <json>', 'what its executor is given')
    .option('--retries <count>', 'how often it may be run again when it fails')
    .option('--backoff <duration>', 'before the first retry, at most; doubled each time')
    .option('--backoff-cap <duration>', 'before any retry, at most')
    .option('--timeout <duration>', 'how long an attempt may run (default: any time)')
    .option('--cancel-grace <duration>', 'from the signal to stop until the hard stop (default 5s)')
    .option('--queue <name>', 'the queue whose limits it is under (default: default)')
    .option('--key <key>', 'its concurrency key: those of one key share limits and take turns with others')
    .option('--label <name>', 'a label that its worker must have; may be given several times', collect)
    .option('--idempotency-key <key>', 'submitted again under the same key, it is the same task')
    .option('--depends-on <ids>', 'tasks that must complete first, separated by commas')
    .option('--on-parent-failure <policy>', 'if one of those does not: fail (default), skip or continue')
    .option('--wait', 'wait for its end; exit code 1 unless it completed')
    .addHelpText('after', EXAMPLES)
  return finishRemoteCommand<[], SubmitOptions>(command, submit)
}

async function submit(api: Api, options: SubmitOptions): Promise<void> {
  if (options.file !== undefined) return await submitFile(api, options.file, options)
  const submitted = await send(api, options)
  if (!options.json) {
    print('Task submitted successfully!')
    print(`Task ID: ${submitted.task_id}`)
    print(`Status: ${submitted.status}`)
  }
  const ended = options.wait ? await waitForEnd(api, submitted.task_id) : null
  if (options.json) printJson(ended ?? submitted)
  else if (ended) print(describeEnd(ended))
  if (ended && ended.state !== 'completed') process.exitCode = 1
}

async function send(api: Api, options: SubmitOptions): Promise<Submitted> {
  if (!options.cmd) throw new AppError('invalid', 'command is required')
  if (options.at && options.in) throw new AppError('invalid', 'give --at or --in, not both')
  const task = {
    command: options.cmd,
    name: options.name,
    description: options.desc,
    executor: options.executor,
    queue: options.queue,
    concurrency_key: options.key,
    labels: options.label,
    ...(options.priority !== undefined && { priority: parsePriority(options.priority) }),
    ...(options.payload !== undefined && { payload: parsePayload(options.payload) }),
    ...(options.retries !== undefined && { max_retries: Number(options.retries) }),
    ...durationField('retry_backoff_ms', options.backoff),
    ...durationField('retry_backoff_cap_ms', options.backoffCap),
    ...durationField('timeout_ms', options.timeout),
    ...durationField('cancel_grace_ms', options.cancelGrace),
    ...(options.dependsOn !== undefined && {
      depends_on: options.dependsOn.split(',').map((id) => id.trim()),
    }),
    ...(options.onParentFailure !== undefined && { on_parent_failure: options.onParentFailure }),
    ...(options.idempotencyKey !== undefined && { idempotency_key: options.idempotencyKey }),
  }
  if (options.at) {
    return await api.post<Submitted>('/api/schedule', { ...task, scheduled_at: options.at })
  }
  if (options.in) {
    // A delay and no time: the server's clock counts, whatever ours says.
    const delay_seconds = parseDurationMs(options.in) / 1000
    const { task_id } = await api.post<Submitted>('/tasks', { ...task, delay_seconds })
    return { task_id, status: 'scheduled' }
  }
  return await api.post<Submitted>('/tasks', task)
}

const collect = (value: string, before: string[] = []) => [...before, value]

const durationField = (field: string, given: string | undefined) =>
  given === undefined ? {} : { [field]: parseDurationMs(given) }

function parsePayload(text: string): unknown {
  try {
    // A number that cannot be kept is refused by the server, which names its place.
    return parseExact(text)
  } catch (error) {
    throw new AppError('invalid', `Invalid payload: ${(error as Error).message}`, { cause: error })
  }
}

function describeEnd(task: TaskView): string {
  const time = task.duration === null ? '' : ` after ${formatSeconds(task.duration)}`
  const where = task.worker ? ` on ${terminalLine(task.worker)}` : ''
  const why = task.error ? `: ${terminalLine(task.error)}` : ''
  const result = task.result === null ? '' : `\nResult: ${JSON.stringify(task.result)}`
  const output = task.output ? `\n${task.output.trimEnd()}` : ''
  return `Task ${task.state}${time}${where}${why}${result}${output}`
}
