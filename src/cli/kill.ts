import { Command } from 'commander'
import { type CommonOptions, finishRemoteCommand, printJson, printLine } from './command.ts'

export function killCommand(): Command {
  const command = new Command('kill')
    .description('kill one worker hard, to see what happens: its tasks run again elsewhere')
    .argument('<name>', 'its name or id')
    .addHelpText('after', '\nExample:\n  $ bun run taskmaster kill worker-2')
  return finishRemoteCommand<[string], CommonOptions>(command, async (api, { json }, name) => {
    const killed = await api.post<{ message: string }>('/api/workers/kill', { name })
    if (json) printJson(killed)
    else printLine(killed.message)
  })
}
