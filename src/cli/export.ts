import { Command, Option } from 'commander'
import type { Api } from './api.ts'
import { type CommonOptions, finishRemoteCommand } from './command.ts'

interface ExportOptions extends CommonOptions {
  format: 'ndjson' | 'csv'
  state?: string
  worker?: string
  query?: string
  output?: string
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
    .option('--output <file>', 'where to (default: standard output)')
    .addHelpText('after', EXAMPLES)
  return finishRemoteCommand<[], ExportOptions>(command, exportTasks)
}

async function exportTasks(
  api: Api,
  { format, state, worker, query: q, output }: ExportOptions,
): Promise<void> {
  const stream = await api.stream('/api/tasks/export', { format, state, worker, q })
  const target = output === undefined ? Bun.stdout.writer() : Bun.file(output).writer()
  // Written as it comes and no faster than it is taken: the whole is never held.
  for await (const chunk of stream) {
    target.write(chunk)
    await target.flush()
  }
  await target.end()
}
