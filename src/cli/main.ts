#!/usr/bin/env bun
import { Command } from 'commander'
import { version } from '../../package.json'
import { actionCommands } from './actions.ts'
import { auditCommand } from './audit.ts'
import { chaosCommand } from './chaos.ts'
import { exportCommand } from './export.ts'
import { killCommand } from './kill.ts'
import { logsCommand } from './logs.ts'
import { migrateCommand } from './migrate.ts'
import { queuesCommand } from './queues/command.ts'
import { scaleCommand } from './scale.ts'
import { schedulesCommand } from './schedules/command.ts'
import { withTwoDashes } from './single-dash.ts'
import { statsCommand } from './stats.ts'
import { statusCommand } from './status.ts'
import { submitCommand } from './submit.ts'
import { deadLettersCommand, tasksCommand } from './tasks.ts'
import { runUp } from './up/run.ts'
import { whyCommand } from './why.ts'
import { workersCommand } from './workers.ts'
import { workflowCommand } from './workflows/command.ts'

const EXAMPLES = `
Examples:
  $ bun run taskmaster up
  $ bun run taskmaster submit --cmd hello --priority HIGH --wait
  $ bun run taskmaster workers
  $ bun run taskmaster logs --follow`

const up = new Command('up')
  .description('start everything; see up --help')
  .helpOption(false)
  .allowUnknownOption()
  .argument('[options...]')
  .action((_, __, command: Command) => runUp(command.args, process.env))

const program = new Command('taskmaster')
  .description('A distributed task scheduler.')
  .version(version)
  .addHelpText('after', EXAMPLES)
  .showHelpAfterError('(see --help)')

const ofTasks = [
  submitCommand(),
  statusCommand(),
  whyCommand(),
  tasksCommand(),
  exportCommand(),
  ...actionCommands(),
  deadLettersCommand(),
]
const ofWorkers = [workersCommand(), scaleCommand(), killCommand()]
const ofAll = [logsCommand(), statsCommand(), auditCommand(), migrateCommand(process.env)]
for (const command of [up, ...ofTasks, ...ofWorkers, ...ofAll]) program.addCommand(command)
program.addCommand(queuesCommand())
program.addCommand(schedulesCommand())
program.addCommand(workflowCommand())
program.addCommand(chaosCommand(process.env))

// Whoever reads our output may have had enough of it.
process.stdout.on('error', () => process.exit(0))
await program.parseAsync(withTwoDashes(process.argv))
