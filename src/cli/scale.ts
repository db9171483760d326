import { Command } from 'commander'
import { AppError } from '../shared/core/error.ts'
import { type CommonOptions, finishRemoteCommand, printJson, printLine } from './command.ts'

export function scaleCommand(): Command {
  const command = new Command('scale')
    .description('make so many workers run')
    .argument('<count>', '1 to 50')
    .addHelpText('after', '\nExample:\n  $ bun run taskmaster scale 5')
  return finishRemoteCommand<[string], CommonOptions>(command, async (api, { json }, given) => {
    if (!/^\d+$/.test(given)) throw new AppError('invalid', 'count must be between 1 and 50')
    const scaled = await api.post<{ message: string }>('/api/workers/scale', { count: Number(given) })
    if (json) printJson(scaled)
    else printLine(scaled.message)
  })
}
