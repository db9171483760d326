import { describeSettings } from '../../shared/settings-table.ts'

/** Shown first, in words of their own. */
const FIRST = [
  'TASKMASTER_FOLDER',
  'WORKERS',
  'SCHEDULER_PORT',
  'SCHEDULER_HOST',
  'COORDINATOR_PORT',
  'DATABASE_URL',
]
/** Not for `up`: it starts a coordinator of its own. */
const NOT_HERE = ['COORDINATOR_ADDRESS', 'COORDINATOR']

export const HELP = `Starts everything: PostgreSQL, a coordinator, a scheduler and workers. Ctrl-C stops it all, losing nothing.

Usage: bun run up [options]

  --folder <path>             data and logs (default .taskmaster)
  --workers <count>           how many workers to start (default 3)
  --scheduler-port <port>     REST and dashboard (default 8081)
  --scheduler-host <address>  where it listens (default 127.0.0.1: this machine alone)
  --coordinator-port <port>   gRPC (default 8080)
  --database-url <url>        use this PostgreSQL instead of one of its own
  --verbose                   show every line the services log, not warnings alone
  --watch                     restart services when their source changes, and serve
                              the dashboard with hot reload on port 5173
  --help

Settings of the services, passed on to them:

${describeSettings('up', [...FIRST, ...NOT_HERE])}

Every flag is an environment variable too: --worker-pool-size 10 is WORKER_POOL_SIZE=10; --folder is
TASKMASTER_FOLDER. A flag wins.

Examples:
  bun run up
  bun run up --workers 5 --verbose
  bun run up --autoscale 3:10
  DATABASE_URL=postgres://me:secret@db.example:5432/tasks bun run up`
