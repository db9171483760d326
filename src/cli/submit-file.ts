import { AppError } from '../shared/core/error.ts'
import type { Api } from './api.ts'
import { print, printJson } from './command.ts'
import { readText } from './read-text.ts'

interface FileOptions {
  json?: true
}

/** What `--file` does not go with: each line says it for its own task. */
const ALONE = ['json', 'file', 'server']

/**
 * Submits the tasks of an NDJSON file, all or none.
 *
 * @param path `-` is standard input
 * @throws `invalid` when it cannot be read, or naming the line and the field that are wrong
 */
export async function submitFile(api: Api, path: string, options: FileOptions): Promise<void> {
  const other = Object.keys(options).find((name) => !ALONE.includes(name))
  if (other) throw new AppError('invalid', `--file goes with --json and --server alone, not with --${other}`)
  const text = await readText(path)
  const stored = await api.send<{ count: number; task_ids: string[] }>(
    '/api/tasks/batch',
    'application/x-ndjson',
    text,
  )
  if (options.json) return printJson(stored)
  print(`${stored.count} ${stored.count === 1 ? 'task' : 'tasks'} submitted successfully!`)
  for (const id of stored.task_ids) print(`Task ID: ${id}`)
}
