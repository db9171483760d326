import { Command } from 'commander'
import { terminalLine } from '../shared/core/terminal.ts'
import type { AuditView } from './api.ts'
import { type CommonOptions, finishRemoteCommand, print, printJson } from './command.ts'
import { formatSeconds } from './duration.ts'
import { renderPairs } from './table.ts'
import { formatTime } from './times.ts'

export function auditCommand(): Command {
  const command = new Command('audit')
    .description('compare what should be with what is; exit code 1 when something is found')
    .addHelpText('after', '\nExamples:\n  $ bun run taskmaster audit\n  $ bun run taskmaster audit --json')
  return finishRemoteCommand<[], CommonOptions>(command, async (api, { json }) => {
    const audit = await api.get<AuditView>('/api/audit')
    if (json) printJson(audit)
    else print(render(audit))
    if (!audit.ok) process.exitCode = 1
  })
}

function render(audit: AuditView): string {
  const overdue = audit.oldest_overdue_ms
  const figures = renderPairs([
    ['Audited', formatTime(audit.at)],
    ['Held tasks', audit.held_tasks],
    ['Idle workers', audit.idle_workers],
    ['Longest overdue', overdue === null ? 'none' : formatSeconds(overdue / 1000)],
    ['Counts compared', audit.counters.checked.join(', ')],
  ])
  const findings = audit.findings.map((finding) => `! ${terminalLine(finding)}`).join('\n')
  return `${figures}\n\n${findings || 'Nothing found.'}`
}
