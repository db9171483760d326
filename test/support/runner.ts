/**
 * Runs the tests against one PostgreSQL server of their own. `bun run test [patterns] [flags of bun test]`.
 * With TEST_DATABASE=testcontainers it is one in a container, else an embedded one. TEST_SEED repeats the chance of
 * an earlier run. With --update-timings the durations that decide which files start first are written anew.
 */
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { startEmbeddedPostgres } from '../../src/cli/up/postgres.ts'
import { connect } from '../../src/shared/store/connect.ts'
import { migrate } from '../../src/shared/store/migrate.ts'
import { describeSlowest, type FileTimings, findFailedFiles, howToRepeat } from './report.ts'
import { seed } from './seed.ts'
import { type Kind, selectTests } from './selection.ts'
import { poolSettings, type TestServer } from './server.ts'
import { addTotals, readTotals, type Totals } from './totals.ts'

const ROOT = join(import.meta.dir, '..', '..')
const FOLDER = 'taskmaster-test-'
const TEMPLATE = 'taskmaster_template'
const CORES = availableParallelism()
/** Small tests mostly wait; those of whole systems start a handful of processes each, and those need the cores. */
const AT_ONCE: Record<Kind, number> = { small: 2 * CORES, whole: CORES, alone: 1 }
const TIMEOUT_MS: Record<Kind, number> = { small: 30_000, whole: 90_000, alone: 90_000 }
/** How long each file took when this was last updated, in ms: the slowest start first. */
const TIMINGS = join(import.meta.dir, 'timings.json')

const words = process.argv.slice(2)
const updatesTimings = words.includes('--update-timings')
const { groups, flags } = await selectTests(words.filter((word) => word !== '--update-timings'))
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
const timings = join(folder, 'timings.json')
await copyFile(TIMINGS, timings)
const measured: FileTimings = {}
const failedFiles: string[] = []
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
      failedFiles.push(...result.failedFiles)
    }
    if (updatesTimings) await copyFile(timings, TIMINGS)
    const { files } = (await Bun.file(timings).json()) as { files: FileTimings }
    const ran = groups.flatMap((group) => group.files).map((file) => relative(ROOT, file))
    for (const file of ran) if (files[file] !== undefined) measured[file] = files[file]
  } finally {
    await postgres.stop()
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
if (interrupted) code ||= 130
console.log(`\n${describeSlowest(measured)}`)
if (code !== 0 && !interrupted) console.log(`\n${howToRepeat(failedFiles, seed)}`)
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

async function runTests(files: string[], kind: Kind, server: TestServer) {
  const isGiven = (name: string) => flags.some((flag) => flag.startsWith(name))
  const atOnce = isGiven('--parallel') ? [] : [`--parallel=${AT_ONCE[kind]}`]
  const timeout = isGiven('--timeout') ? [] : [`--timeout=${TIMEOUT_MS[kind]}`]
  const colour = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}
  const timed = [`--timings=${timings}`, '--update-timings']
  const words = ['test', '--no-orphans', ...atOnce, ...timeout, ...timed, ...flags, ...files]
  running = Bun.spawn([process.execPath, ...words], {
    env: {
      ...process.env,
      ...colour,
      TEST_SEED: String(seed),
      TASKMASTER_TEST_DATABASE: JSON.stringify(server),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const failed = findFailedFiles()
  const [, end] = await Promise.all([
    passThrough(running.stdout as ReadableStream<Uint8Array>, process.stdout, () => {}),
    passThrough(running.stderr as ReadableStream<Uint8Array>, process.stderr, failed.add),
  ])
  const code = await running.exited
  running = null
  return { code, totals: readTotals(end, code), failedFiles: failed.files() }
}

/** Copies a stream, shows its lines to `onText`, and returns its last part, where bun test writes its totals. */
async function passThrough(
  from: ReadableStream<Uint8Array>,
  to: NodeJS.WriteStream,
  onText: (text: string) => void,
): Promise<string> {
  const decoder = new TextDecoder()
  let end = ''
  for await (const chunk of from) {
    to.write(chunk)
    const text = decoder.decode(chunk, { stream: true })
    onText(text)
    end = (end + text).slice(-2000)
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
