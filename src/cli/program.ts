import { Command } from 'commander'
import { version } from '../../package.json'
import { actionCommands } from './actions.ts'
import { auditCommand } from './audit.ts'
import { chaosCommand } from './chaos.ts'
import { exportCommand } from './export.ts'
import { healthCommand } from './health.ts'
import { killCommand } from './kill.ts'
import { logsCommand } from './logs.ts'
import { migrateCommand } from './migrate.ts'
import { queuesCommand } from './queues/command.ts'
import { scaleCommand } from './scale.ts'
import { schedulesCommand } from './schedules/command.ts'
import { statsCommand } from './stats.ts'
import { statusCommand } from './status.ts'
import { submitCommand } from './submit.ts'
import { deadLettersCommand, tasksCommand } from './tasks.ts'
import { runUp } from './up/run.ts'
import { whyCommand } from './why.ts'
import { workersCommand } from './workers.ts'
import { workflowCommand } from './workflows/command.ts'

type Env = Record<string, string | undefined>

const EXAMPLES = `
Examples:
  $ bun run taskmaster up
  $ bun run taskmaster submit --cmd hello --priority HIGH --wait
  $ bun run taskmaster workers
  $ bun run taskmaster logs --follow`

const upCommand = (env: Env) =>
  new Command('up')
    .description('start everything; see up --help')
    .helpOption(false)
    .allowUnknownOption()
    .argument('[options...]')
    .action((_, __, command: Command) => runUp(command.args, env))

/** The whole command line. */
export function createProgram(env: Env): Command {
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
  const ofAll = [logsCommand(), statsCommand(), healthCommand(), auditCommand(), migrateCommand(env)]
  for (const command of [upCommand(env), ...ofTasks, ...ofWorkers, ...ofAll]) program.addCommand(command)
  program.addCommand(queuesCommand())
  program.addCommand(schedulesCommand())
  program.addCommand(workflowCommand())
  program.addCommand(chaosCommand(env))
  return program
}
