import { runToEnd } from './cleanup.ts'
import { measureDashboard } from './dashboard.ts'
import { measureFaults } from './faults.ts'
import { hasFlag, numberOf, textOf } from './flags.ts'
import { measureFull } from './full.ts'
import { measureHeldSnapshot } from './held-snapshot.ts'
import { measureLimits } from './limits.ts'
import { measureLists } from './lists.ts'
import { measureMemory } from './memory.ts'
import { measureOverview } from './overview.ts'
import { comparePeers } from './peers/compare.ts'
import { measureSlowDisk } from './slow-disk.ts'
import { measureSoak } from './soak.ts'

const HELP = `Measures TaskMaster on a fresh embedded PostgreSQL: 1 coordinator, 1 scheduler, 3 workers × 5 slots,
instantaneous tasks. Prints a table and a line of JSON. Ctrl-C stops and removes all that a bench has started.

  bun run bench                 everything, about a minute
  bun run bench --tasks 20000   smaller drains
  bun run bench --json          the JSON alone; so with each of these:
  bun run bench --workers 1     fewer workers, or more; with each of these, too

  bun run bench --faults        how long it takes to go on after a worker or a coordinator is killed
  bun run bench --dashboard     the dashboard in headless Chromium, against its budgets, about three minutes;
                                --minutes 10 watches its heap for longer (default 1)
  bun run bench --lists         figures and lists at a million tasks, against their budget; --rows 100000

  bun run bench --peers         beside graphile-worker, pg-boss, BullMQ and bunqueue on the same server: the medians of
                                5 runs in turn, with ratios, about 20 minutes
    --runs 1 --tasks 5000       a small trial
    --only graphile,raw         of the peers, those whose name has one of these words
    --seconds 15                a peer's drain is given up after so long; its speed until then counts
                                BullMQ's Redis is REDIS_URL, or a redis-server or valkey-server that is installed

  bun run bench --held-snapshot pick-up and figures of each minute while a transaction is left open; 10 minutes
    --minutes 10 --rate 1000    how long, and tasks that arrive in a second
    --every 60                  seconds of a row; --minutes 0.1 --every 2 --rate 100 is a small trial

  bun run bench --limits        the same drain in a plain queue and in one with a concurrency limit and 100 keys
    --tasks 50000 --runs 3      of each drain, and of how many the median counts
    --keys 100 --concurrency 1000

  bun run bench --slow-disk     the disk as it is, and with each fdatasync 2 ms slower; needs Linux and a C compiler
    --delay 2                   ms
    --coordinators 4 --schedulers 2
    --samples 200 --singles 10000

  bun run bench --full          drain and pick-up with many tasks in the table, beside those with none
    --ended 10000000 --future 1000000
    --tasks 50000 --samples 300 --runs 3

  bun run bench --memory        what the memory of each process is made of: idle, after a drain, and a while later; needs Linux
    --tasks 200000 --rest 60

  bun run bench --soak          the memory of each process over 30 minutes under a steady load
    --minutes 30 --rate 200
    --every 30                  seconds between two samples`

const json = hasFlag('--json')

if (hasFlag('--help')) console.log(HELP)
else {
  await runToEnd(async () => {
    if (hasFlag('--faults')) await measureFaults(json)
    else if (hasFlag('--dashboard')) await measureDashboard({ json, minutes: numberOf('--minutes', 1) })
    else if (hasFlag('--lists')) await measureLists({ json, rows: numberOf('--rows', 1_000_000) })
    else if (hasFlag('--peers')) {
      await comparePeers({
        runs: numberOf('--runs', 5),
        tasks: numberOf('--tasks', 200_000),
        samples: numberOf('--samples', 300),
        seconds: numberOf('--seconds', 15),
        only: textOf('--only')?.split(',') ?? null,
      })
    } else if (hasFlag('--held-snapshot')) {
      await measureHeldSnapshot({
        minutes: numberOf('--minutes', 10),
        rate: numberOf('--rate', 1000),
        every: numberOf('--every', 60),
      })
    } else if (hasFlag('--limits')) {
      await measureLimits({
        tasks: numberOf('--tasks', 50_000),
        runs: numberOf('--runs', 3),
        keys: numberOf('--keys', 100),
        concurrency: numberOf('--concurrency', 1000),
      })
    } else if (hasFlag('--slow-disk')) {
      await measureSlowDisk({
        delayMs: numberOf('--delay', 2),
        coordinators: numberOf('--coordinators', 1),
        schedulers: numberOf('--schedulers', 1),
        samples: numberOf('--samples', 200),
        singles: numberOf('--singles', 10_000),
      })
    } else if (hasFlag('--full')) {
      const samples = numberOf('--samples', 300)
      await measureFull({
        ended: numberOf('--ended', 10_000_000),
        future: numberOf('--future', 1_000_000),
        tasks: numberOf('--tasks', 50_000),
        runs: numberOf('--runs', 3),
        samples,
        warmUp: 3 * samples,
      })
    } else if (hasFlag('--memory')) {
      await measureMemory({ tasks: numberOf('--tasks', 200_000), rest: numberOf('--rest', 60) })
    } else if (hasFlag('--soak')) {
      await measureSoak({
        minutes: numberOf('--minutes', 30),
        rate: numberOf('--rate', 200),
        every: numberOf('--every', 30),
      })
    } else await measureOverview(numberOf('--tasks', 100_000))
  })
}
process.exit()
