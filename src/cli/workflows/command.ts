import { Command } from 'commander'
import { AppError } from '../../shared/core/error.ts'
import { parseExact } from '../../shared/core/exact-json.ts'
import type { Api } from '../api.ts'
import {
  type CommonOptions,
  finishRemoteCommand,
  print,
  printJson,
  printLine,
  terminalWidth,
} from '../command.ts'
import { readText } from '../read-text.ts'
import { renderPairs, renderTable } from '../table.ts'
import { formatTime } from '../times.ts'
import { followWorkflow } from './follow.ts'
import { describeCounts, renderTasks, type WorkflowGraphView, type WorkflowView } from './view.ts'

const EXAMPLES = `
Examples:
  $ bun run taskmaster workflow submit examples/workflow/workflow.json --follow
  $ bun run taskmaster workflow show 0190b5a2-7c3e-7000-8000-000000000000
  $ bun run taskmaster workflow list
  $ bun run taskmaster workflow retry 0190b5a2-7c3e-7000-8000-000000000000`

/** Everything that can be done with workflows. */
export function workflowCommand(): Command {
  const group = new Command('workflow')
    .alias('workflows')
    .description('submit, watch and change workflows: tasks that depend on one another')
    .addHelpText('after', EXAMPLES)
  for (const command of [submitCommand(), showCommand(), listCommand(), ...ACTS.map(actCommand)])
    group.addCommand(command)
  return group
}

interface FollowOptions extends CommonOptions {
  follow?: true
}

const SUBMIT_EXAMPLES = `
The file is {"name": …, "tasks": [{"key": "a", "command": …}, {"key": "b", "command": …, "depends_on": ["a"]}]},
or the array of tasks alone.

Examples:
  $ bun run taskmaster workflow submit examples/workflow/workflow.json --follow
  $ generate | bun run taskmaster workflow submit - --name nightly`

function submitCommand(): Command {
  const command = new Command('submit')
    .description('submit the workflow that a JSON file describes, all of it or nothing')
    .argument('<file>', 'the file; - is standard input')
    .option('--name <name>', 'its name, instead of the one in the file')
    .option('--idempotency-key <key>', 'submitted again under the same key, it is the same workflow')
    .option(
      '--follow',
      'tell what becomes of its tasks until all have ended; exit code 1 unless it completed',
    )
    .addHelpText('after', SUBMIT_EXAMPLES)
  return finishRemoteCommand<[string], FollowOptions & { name?: string; idempotencyKey?: string }>(
    command,
    async (api, options, path) => {
      const read = parseJson(path, await readText(path))
      const body: object = Array.isArray(read) ? { tasks: read } : read
      const workflow = {
        ...body,
        ...(options.name !== undefined && { name: options.name }),
        ...(options.idempotencyKey !== undefined && { idempotency_key: options.idempotencyKey }),
      }
      const made = await api.post<{ workflow_id: string; tasks: Record<string, string> }>(
        '/api/workflows',
        workflow,
      )
      if (!options.json) {
        print('Workflow submitted successfully!')
        print(`Workflow ID: ${made.workflow_id}`)
        print(`Tasks: ${Object.keys(made.tasks).length}`)
      }
      if (options.follow) await follow(api, made.workflow_id, options)
      else if (options.json) printJson(made)
    },
  )
}

function showCommand(): Command {
  const command = new Command('show')
    .description('show a workflow: its tasks, how they stand and what they wait for')
    .argument('<id>', 'the id that submit printed')
    .option(
      '--follow',
      'tell what becomes of its tasks until all have ended; exit code 1 unless it completed',
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ bun run taskmaster workflow show 0190b5a2-7c3e-7000-8000-000000000000 --follow',
    )
  return finishRemoteCommand<[string], FollowOptions>(command, async (api, options, id) => {
    if (options.follow) return await follow(api, id, options)
    const graph = await api.get<WorkflowGraphView>(`/api/workflows/${encodeURIComponent(id)}`)
    if (options.json) printJson(graph)
    else print(describe(graph))
  })
}

async function follow(api: Api, id: string, { json }: CommonOptions): Promise<void> {
  const graph = await followWorkflow(api, id, ({ key, state, error }) => {
    if (!json) printLine(`${key}  ${state}${error && state !== 'completed' ? `: ${error}` : ''}`)
  })
  if (json) printJson(graph)
  else print(`Workflow ${graph.state}: ${describeCounts(graph)}`)
  if (graph.state !== 'completed') process.exitCode = 1
}

function listCommand(): Command {
  const command = new Command('list')
    .description('list workflows, the newest first')
    .option('--limit <count>', 'how many', '20')
    .addHelpText('after', '\nExample:\n  $ bun run taskmaster workflow list --limit 50')
  return finishRemoteCommand<[], CommonOptions & { limit: string }>(command, async (api, { json, limit }) => {
    const workflows = await api.get<WorkflowView[]>('/api/workflows', { limit })
    if (json) printJson(workflows)
    else print(workflows.length > 0 ? renderList(workflows) : 'No workflows.')
  })
}

interface Act {
  name: 'cancel' | 'retry'
  description: string
  past: string
}

const ACTS: Act[] = [
  {
    name: 'cancel',
    description: 'cancel all of a workflow that has not ended',
    past: 'cancelled, or told to stop',
  },
  {
    name: 'retry',
    description: 'run again what failed or was cancelled of a workflow, in its order',
    past: 'scheduled again',
  },
]

function actCommand({ name, description, past }: Act): Command {
  const command = new Command(name)
    .description(description)
    .argument('<id>', 'the id that submit printed')
    .addHelpText(
      'after',
      `\nExample:\n  $ bun run taskmaster workflow ${name} 0190b5a2-7c3e-7000-8000-000000000000`,
    )
  return finishRemoteCommand<[string], CommonOptions>(command, async (api, { json }, id) => {
    const done = await api.post<{ count: number }>(`/api/workflows/${encodeURIComponent(id)}/${name}`, {})
    if (json) printJson(done)
    else print(`${done.count} ${done.count === 1 ? 'task' : 'tasks'} ${past}`)
  })
}

function describe(graph: WorkflowGraphView): string {
  const head = renderPairs([
    ['Workflow ID', graph.workflow_id],
    ['Name', graph.name],
    ['Status', graph.state],
    ['Created', formatTime(graph.created_at)],
    ['Tasks', describeCounts(graph)],
  ])
  return `${head}\n\n${renderTasks(graph, terminalWidth())}`
}

const renderList = (workflows: WorkflowView[]): string =>
  renderTable(
    [
      { title: 'WORKFLOW ID', value: ({ workflow_id }) => workflow_id },
      { title: 'STATE', value: ({ state }) => state },
      { title: 'CREATED', value: ({ created_at }) => formatTime(created_at) },
      { title: 'TASKS', value: describeCounts },
      { title: 'NAME', value: ({ name }) => name, isFlexible: true },
    ],
    workflows,
    terminalWidth(),
  )

function parseJson(path: string, text: string): object {
  try {
    const value: unknown = parseExact(text)
    if (typeof value === 'object' && value !== null) return value
  } catch (error) {
    throw new AppError('invalid', `${path} is not valid JSON: ${(error as Error).message}`, { cause: error })
  }
  throw new AppError('invalid', `${path} must be a JSON object with tasks, or an array of them`)
}
