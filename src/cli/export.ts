import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Command, Option } from 'commander'
import { AppError } from '../shared/core/error.ts'
import { terminalText } from '../shared/core/terminal.ts'
import type { Api } from './api.ts'
import { type CommonOptions, finishRemoteCommand } from './command.ts'
import { sortOption } from './tasks.ts'
import { isWriteError, reasonOf } from './write-errors.ts'

interface ExportOptions extends CommonOptions {
  format: 'ndjson' | 'csv'
  state?: string
  worker?: string
  query?: string
  output?: string
  priority?: string
  sort?: string
}

const EXAMPLES = `
Examples:
  $ bun run taskmaster export --state failed > failed.ndjson
  $ bun run taskmaster export --format csv --query report --output report.csv`

export function exportCommand(): Command {
  const command = new Command('export')
    .description('write all tasks that match, however many, the latest scheduled first')
    .addOption(
      new Option('--format <format>', 'one JSON object on each line, or a table')
        .choices(['ndjson', 'csv'])
        .default('ndjson'),
    )
    .option('--state <state>', 'pending, retrying, assigned, running, completed, failed or cancelled')
    .option('--worker <worker>', 'of this worker')
    .option('--query <text>', 'with this in their command or name')
    .option('--priority <priority>', 'of this priority: HIGH, 2, ">=HIGH", "<1"')
    .addOption(sortOption())
    .option('--output <file>', 'where to (default: standard output)')
    .addHelpText('after', EXAMPLES)
  return finishRemoteCommand<[], ExportOptions>(command, exportTasks)
}

async function exportTasks(
  api: Api,
  { format, state, worker, query: q, priority, sort, output }: ExportOptions,
): Promise<void> {
  const stream = await api.stream('/api/tasks/export', { format, state, worker, q, priority, sort })
  // Written as it comes and no faster than it is taken: the whole is never held.
  if (output !== undefined) await writeToFile(stream, output)
  else for await (const text of asTexts(stream)) await writeOut(text)
}

/** Bytes as they came for programs; what a terminal would carry out is not for terminals. */
async function* asTexts(stream: ReadableStream<Uint8Array>): AsyncGenerator<string | Uint8Array> {
  if (!process.stdout.isTTY) return yield* stream
  const decoder = new TextDecoder()
  for await (const chunk of stream) yield terminalText(decoder.decode(chunk, { stream: true }))
  yield terminalText(decoder.decode())
}

async function writeOut(data: string | Uint8Array): Promise<void> {
  if (process.stdout.write(data)) return
  await new Promise<void>((resolve) => process.stdout.once('drain', resolve))
}

async function writeToFile(stream: ReadableStream<Uint8Array>, path: string): Promise<void> {
  try {
    await pipeline(Readable.fromWeb(stream as never), createWriteStream(path))
  } catch (error) {
    if (error instanceof AppError || !isWriteError(error)) throw error
    throw new AppError('unavailable', `${path} cannot be written: ${reasonOf(error)}`, { cause: error })
  }
}
