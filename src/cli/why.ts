import { Command } from 'commander'
import type { WhyView } from './api.ts'
import { type CommonOptions, finishRemoteCommand, printJson, printLine } from './command.ts'
import { formatSeconds } from './duration.ts'

const EXAMPLES = `
Examples:
  $ bun run taskmaster why 0190b5a2-7c3e-7000-8000-000000000000
  $ bun run taskmaster why 0190b5a2-7c3e-7000-8000-000000000000 --json`

export function whyCommand(): Command {
  const command = new Command('why')
    .description("tell why a task isn't running: what stands in its way, first things first")
    .argument('<id>', 'the id that submit printed')
    .addHelpText('after', EXAMPLES)
  return finishRemoteCommand<[string], CommonOptions>(command, async (api, { json }, id) => {
    const why = await api.get<WhyView>(`/api/tasks/${encodeURIComponent(id)}/why`)
    if (json) return printJson(why)
    const lines = why.reasons.map(({ text }, n) => (why.reasons.length > 1 ? `${n + 1}. ${text}` : text))
    if (why.estimate_ms) lines.push(`It should start in about ${formatSeconds(why.estimate_ms / 1000)}.`)
    for (const line of lines) printLine(line)
  })
}
