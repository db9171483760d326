import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serverUser } from '../../../src/cli/up/server-user.ts'
import type { Sql } from '../../../src/shared/store/connect.ts'
import { listLogs } from '../../../src/shared/store/logs.ts'
import { findTask, insertTasks } from '../../../src/shared/store/tasks.ts'
import { databaseEnv } from '../../support/database.ts'
import { startOwnServer } from '../../support/own-server.ts'
import { type Service, startService } from '../../support/processes.ts'
import { outcomesOf } from '../../support/refusals.ts'
import { newTask } from '../../support/store.ts'
import { waitFor } from '../../support/wait.ts'

/**
 * A shell task that ends while its database is not to be had has run once, whatever the reason: real processes, and a server
 * of their own.
 */

const PATIENCE = { timeoutMs: 30_000 }
/** More than a full disk has room for, and not to be compressed. */
const COMMAND = 'echo first; sleep 1; head -c 45000 /dev/urandom | base64 -w 1000; echo last'

let coordinator: Service
let worker: Service
const server = await startOwnServer()
const disk = await mountSmallDisk()
if (disk) {
  await server.admin.unsafe(`CREATE TABLESPACE small LOCATION '${disk}'`)
}
const database = await server.createDatabase('app', disk ? 'small' : undefined)
/** Reads what became of the tasks, and breaks the database. */
const superuser = () => server.open('app')

beforeAll(async () => {
  coordinator = await startService('coordinator', {
    ...databaseEnv(database.settings),
    ...{ HEARTBEAT_INTERVAL: '3000', DB_CONNECT_TIMEOUT: '10000', SCAN_INTERVAL: '500' },
  })
  worker = await startService('worker', {
    ...{ COORDINATOR_ADDRESS: `127.0.0.1:${coordinator.port}`, WORKER_EXECUTORS: 'shell', WORKER_NAME: 'w' },
    HEARTBEAT_INTERVAL: '3000',
  })
})

/** A disk of its own, as root may make one; null, with a word about it, where that is not allowed. */
async function mountSmallDisk(): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'taskmaster-disk-'))
  const mounted = await Bun.$`mount -t tmpfs -o size=64m tmpfs ${folder}`.quiet().nothrow()
  if (mounted.exitCode !== 0) {
    console.log(`The full disk is not tested: ${mounted.stderr.toString().trim()}`)
    await rm(folder, { recursive: true })
    return null
  }
  const user = serverUser()
  if (user) await Bun.$`chown ${user.uid}:${user.gid} ${folder}`.quiet()
  afterAll(async () => {
    await Bun.$`umount -l ${folder}`.quiet().nothrow()
    await rm(folder, { recursive: true, force: true })
  })
  return folder
}

/** Ends all sessions of the services. */
const cut = (admin: Sql) =>
  admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app' AND pid <> pg_backend_pid()`

interface Outage {
  begin(): Promise<unknown>
  end(): Promise<unknown>
  /** What the coordinator says of it. */
  told: RegExp
  /** Until the coordinator has let its workers go, so that they come back with what they hold. */
  isLong?: boolean
}

const { admin } = server
const OUTAGES: Record<string, Outage> = {
  'the role may not log in': {
    begin: async () => {
      await admin`ALTER ROLE app NOLOGIN`
      await cut(admin)
    },
    end: () => admin`ALTER ROLE app LOGIN`,
    told: /does not let TaskMaster log in/,
    isLong: true,
  },
  'the database has another name': {
    begin: async () => {
      await admin`ALTER DATABASE app ALLOW_CONNECTIONS false`
      await waitFor(
        async () => {
          await admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'app'`
          await admin`ALTER DATABASE app RENAME TO away`
          return true
        },
        { what: 'the database to be renamed' },
      )
    },
    end: async () => {
      await admin`ALTER DATABASE away RENAME TO app`
      await admin`ALTER DATABASE app ALLOW_CONNECTIONS true`
    },
    told: /does not exist/,
  },
  'the tables have another owner': {
    begin: () => superuser()`ALTER TABLE task_records OWNER TO postgres`,
    end: () => superuser()`ALTER TABLE task_records OWNER TO app`,
    told: /lacks a permission/,
  },
  'the disk is full': {
    begin: () => fill(disk as string),
    end: () => rm(join(disk as string, 'ballast')),
    told: /out of disk space/,
  },
}

async function fill(folder: string) {
  const ballast = join(folder, 'ballast')
  for (const size of [1024 * 1024, 8192]) {
    const block = new Uint8Array(size)
    for (let isFull = false; !isFull; ) {
      await writeFile(ballast, block, { flag: 'a' }).catch(() => {
        isFull = true
      })
    }
  }
}

for (const [name, { begin, end, told, isLong }] of Object.entries(OUTAGES)) {
  test.skipIf(name === 'the disk is full' && !disk)(
    `ran once, with all its lines, although ${name}`,
    async () => {
      const task = newTask({ command: COMMAND, executor: 'shell', maxRetries: 0 })
      const before = superuser()
      await insertTasks(before, [task])
      await waitFor(async () => (await findTask(before, task.id))?.state === 'running', {
        what: 'the task to run',
        ...PATIENCE,
      })
      await before.end({ timeout: 1 })

      const saidBefore = coordinator.logs.length
      const lostBefore = worker.logs.filter(({ msg }) => msg === 'Lost the coordinator').length
      await begin()
      try {
        const said = () => coordinator.logs.slice(saidBefore).map(({ msg }) => msg)
        await waitFor(
          () => {
            // What the worker says finds no place, or the worker itself, should it have been let go before.
            const isMet = said().some((msg) => /cannot be stored|Could not register a worker/.test(msg))
            if (isMet && said().some((msg) => told.test(msg))) return true
            throw new Error(`it said ${Bun.inspect(said())}`)
          },
          { what: 'what is wrong to be told', ...PATIENCE },
        )
        if (isLong) {
          await waitFor(
            () => worker.logs.filter(({ msg }) => msg === 'Lost the coordinator').length > lostBefore,
            {
              what: 'the coordinator to let its worker go',
              ...PATIENCE,
            },
          )
        }
      } finally {
        await end()
      }

      const after = superuser()
      await waitFor(async () => (await findTask(after, task.id))?.state === 'completed', {
        what: 'the task to be completed',
        ...PATIENCE,
      })
      expect(await outcomesOf(after, task.id)).toEqual(['completed'])
      const lines = (await listLogs(after, task.id, { attempt: 0, seq: 0 }, 1000)).map(({ text }) => text)
      expect([lines.at(0), lines.length, lines.at(-1)]).toEqual(['first', 62, 'last'])
      await after.end({ timeout: 1 })
    },
  )
}
