export const HELP = `Starts everything: PostgreSQL, a coordinator, a scheduler and workers. Ctrl-C stops it all, losing nothing.

Usage: bun run up [options]

  --folder <path>             data and logs (default .taskmaster)
  --workers <count>           how many workers to start (default 3)
  --scheduler-port <port>     REST and dashboard (default 8081)
  --scheduler-host <address>  where it listens (default 127.0.0.1: this machine alone)
  --coordinator-port <port>   gRPC (default 8080)
  --coordinator-host <address>
  --database-url <url>        use this PostgreSQL instead of one of its own
  --verbose                   show every line the services log, not warnings alone
  --watch                     restart services when their source changes, and serve
                              the dashboard with hot reload on port 5173
  --help

Every other setting of README.md is a flag too, and every flag an environment variable: --worker-pool-size 10
is WORKER_POOL_SIZE=10; --folder is TASKMASTER_FOLDER.

Examples:
  bun run up
  bun run up --workers 5 --verbose
  DATABASE_URL=postgres://me:secret@db.example:5432/tasks bun run up`
