/**
 * Runs the tests against one PostgreSQL server of their own. `bun run test [patterns] [flags of bun test]`.
 * With TEST_DATABASE=testcontainers it is one in a container, else an embedded one.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '../../src/cli/up/postgres.ts'
import { connect } from '../../src/shared/store/connect.ts'
import { migrate } from '../../src/shared/store/migrate.ts'
import { selectTests } from './selection.ts'
import { poolSettings, type TestServer } from './server.ts'
import { addTotals, readTotals, type Totals } from './totals.ts'

const FOLDER = 'taskmaster-test-'
const TEMPLATE = 'taskmaster_template'
const CORES = availableParallelism()
/** Tests of whole systems start a handful of processes each and watch the clock. */
const AT_ONCE = { small: CORES, whole: Math.max(1, Math.floor(CORES / 4)) }
const TIMEOUT_MS = { small: 30_000, whole: 60_000 }

const { groups, flags } = await selectTests(process.argv.slice(2))
if (groups.length === 0) {
  console.error('No test file matches.')
  process.exit(1)
}

let interrupted: NodeJS.Signals | null = null
let running: Bun.Subprocess | null = null
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = signal
    running?.kill(signal)
  })
}

await removeLeftovers()
const folder = await mkdtemp(join(tmpdir(), `${FOLDER}${process.pid}-`))
let totals: Totals = { passed: 0, failed: 0 }
let code = 0
try {
  const postgres = await startPostgres()
  try {
    const server = { ...postgres.settings, template: TEMPLATE }
    await makeTemplate(server)
    for (const { kind, files } of groups) {
      if (interrupted) break
      const result = await runTests(files, kind, server)
      totals = addTotals(totals, result.totals)
      code ||= result.code
    }
  } finally {
    await postgres.stop()
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
if (interrupted) code ||= 130
console.log(`${totals.passed} passed, ${totals.failed} failed`)
process.exit(code)

async function startPostgres() {
  const settings = {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: '500',
  }
  const kind = process.env.TEST_DATABASE || 'embedded'
  if (kind === 'embedded') return await startEmbeddedPostgres({ folder, settings })
  if (kind !== 'testcontainers') {
    throw new Error(`TEST_DATABASE must be embedded or testcontainers, not "${kind}"`)
  }
  console.log('Testing on PostgreSQL in a container')
  const { startContainerPostgres } = await import('./container-postgres.ts')
  return await startContainerPostgres(settings)
}

async function makeTemplate(server: TestServer): Promise<void> {
  const admin = connect({ ...server, ...poolSettings, poolMax: 1 })
  await admin`CREATE DATABASE ${admin(TEMPLATE)}`
  await admin.end()
  const sql = connect({ ...server, ...poolSettings, poolMax: 1, database: TEMPLATE })
  await migrate(sql)
  await sql.end()
}

async function runTests(files: string[], kind: 'small' | 'whole', server: TestServer) {
  const isGiven = (name: string) => flags.some((flag) => flag.startsWith(name))
  const atOnce = isGiven('--parallel') ? [] : [`--parallel=${AT_ONCE[kind]}`]
  const timeout = isGiven('--timeout') ? [] : [`--timeout=${TIMEOUT_MS[kind]}`]
  const colour = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}
  running = Bun.spawn([process.execPath, 'test', '--no-orphans', ...atOnce, ...timeout, ...flags, ...files], {
    env: { ...process.env, ...colour, TASKMASTER_TEST_DATABASE: JSON.stringify(server) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [, said] = await Promise.all([
    passThrough(running.stdout as ReadableStream<Uint8Array>, process.stdout),
    passThrough(running.stderr as ReadableStream<Uint8Array>, process.stderr),
  ])
  const code = await running.exited
  running = null
  return { code, totals: readTotals(said, code) }
}

/** Copies a stream and returns its last part, where bun test writes its totals. */
async function passThrough(from: ReadableStream<Uint8Array>, to: NodeJS.WriteStream): Promise<string> {
  const decoder = new TextDecoder()
  let end = ''
  for await (const chunk of from) {
    to.write(chunk)
    end = (end + decoder.decode(chunk, { stream: true })).slice(-2000)
  }
  return end
}

/** A run that was killed with SIGKILL could not remove its folder. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(FOLDER) ? Number.parseInt(name.slice(FOLDER.length), 10) : Number.NaN
    if (pid && !isAlive(pid)) await rm(join(tmpdir(), name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
