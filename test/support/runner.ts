/**
 * Runs the tests against one PostgreSQL server of their own. `bun run test [patterns] [flags of bun test]`.
 * With TEST_DATABASE=testcontainers it is one in a container, else an embedded one. TEST_SEED repeats the chance of
 * an earlier run. With --update-timings the durations that decide which files start first are written anew.
 */
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { startEmbeddedPostgres } from '../../src/cli/up/postgres.ts'
import { connect } from '../../src/shared/store/connect.ts'
import { migrate } from '../../src/shared/store/migrate.ts'
import { describeSlowest, type FileTimings, findFailedFiles, howToRepeat } from './report.ts'
import { scratchFolder } from './scratch.ts'
import { seed } from './seed.ts'
import { type Group, type Kind, selectTests } from './selection.ts'
import { poolSettings, type TestServer } from './server.ts'
import { addTotals, readTotals, type Totals } from './totals.ts'

const ROOT = join(import.meta.dir, '..', '..')
const FOLDER = 'taskmaster-test-'
const TEMPLATE = 'taskmaster_template'
const CORES = availableParallelism()
/** All of them wait now and then, whole systems most, so that some more than there are cores keep those busy. */
const AT_ONCE: Record<Kind, number> = { small: CORES + 1, containers: 1, whole: CORES + 2, alone: 1 }
/** For a test that hangs; what it waits for is given up before. */
const TIMEOUT_MS = 90_000
/** Kinds that run side by side, one set of them after the other. */
const PHASES: Kind[][] = [['small', 'containers'], ['whole'], ['alone']]
/** Beside others, small ones leave most of the time to those: nothing about them has to be quick. */
const NICE = ['nice', '-n', '5']
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
const running = new Set<Bun.Subprocess>()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = signal
    for (const child of running) child.kill(signal)
  })
}

const scratch = await scratchFolder()
await removeLeftovers()
const folder = await mkdtemp(join(scratch, `${FOLDER}${process.pid}-`))
// Root's PostgreSQL servers run as another user, who has to pass.
await chmod(folder, 0o711)
const measured: FileTimings = {}
const failedFiles: string[] = []
let totals: Totals = { passed: 0, failed: 0 }
let code = 0
try {
  const postgres = await startPostgres()
  try {
    const server = { ...postgres.settings, template: TEMPLATE }
    await makeTemplate(server)
    for (const phase of PHASES) {
      if (interrupted) break
      const beside = groups.filter(({ kind }) => phase.includes(kind))
      // What comes of the first is shown as it comes, of the others when it is whole.
      await Promise.all(beside.map((group, index) => runGroup(group, server, index > 0, beside.length > 1)))
    }
    if (updatesTimings) await updateTimings()
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

async function runGroup(group: Group, server: TestServer, isHeldBack: boolean, isBeside: boolean) {
  const timings = join(folder, `timings-${group.kind}.json`)
  await copyFile(TIMINGS, timings)
  const result = await runTests(group, { server, timings, isHeldBack, isBeside })
  totals = addTotals(totals, result.totals)
  code ||= result.code
  failedFiles.push(...result.failedFiles)
  const { files } = (await Bun.file(timings).json()) as { files: FileTimings }
  const ran = group.files.map((file) => relative(ROOT, file))
  for (const file of ran) if (files[file] !== undefined) measured[file] = files[file]
}

/** Those of files that did not run stay as they were. */
async function updateTimings(): Promise<void> {
  const known = await Bun.file(TIMINGS).json()
  const files = Object.entries<number>({ ...known.files, ...measured })
    .filter(([file]) => existsSync(join(ROOT, file)))
    .sort(([, a], [, b]) => b - a)
  await Bun.write(TIMINGS, `${JSON.stringify({ ...known, files: Object.fromEntries(files) }, null, 2)}\n`)
}

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
  // Tests connect thousands of times, and each time a password is proven by so many rounds.
  await admin`SET scram_iterations = 1`
  await admin.unsafe(`ALTER ROLE ${server.user} PASSWORD '${server.password}'`)
  await admin`CREATE DATABASE ${admin(TEMPLATE)}`
  await admin.end()
  const sql = connect({ ...server, ...poolSettings, poolMax: 1, database: TEMPLATE })
  await migrate(sql)
  await sql.end()
}

interface Run {
  server: TestServer
  /** The file that says how long each took. */
  timings: string
  isHeldBack: boolean
  /** Others run at the same time. */
  isBeside: boolean
}

async function runTests({ kind, files }: Group, { server, timings, isHeldBack, isBeside }: Run) {
  const isGiven = (name: string) => flags.some((flag) => flag.startsWith(name))
  const atOnce = isGiven('--parallel') ? [] : [`--parallel=${AT_ONCE[kind]}`]
  const timeout = isGiven('--timeout') ? [] : [`--timeout=${TIMEOUT_MS}`]
  const colour = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}
  const timed = [`--timings=${timings}`, '--update-timings']
  const words = ['test', '--no-orphans', ...atOnce, ...timeout, ...timed, ...flags, ...files]
  const patient = isBeside && kind === 'small' && Bun.which('nice') ? NICE : []
  const child = Bun.spawn([...patient, process.execPath, ...words], {
    env: {
      ...process.env,
      ...colour,
      TMPDIR: folder,
      TEST_SEED: String(seed),
      TASKMASTER_TEST_DATABASE: JSON.stringify(server),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const failed = findFailedFiles()
  const held: (() => void)[] = []
  const passOn = (to: NodeJS.WriteStream) => (chunk: Uint8Array) => {
    if (isHeldBack) held.push(() => to.write(chunk))
    else to.write(chunk)
  }
  const [, end] = await Promise.all([
    passThrough(child.stdout, passOn(process.stdout), () => {}),
    passThrough(child.stderr, passOn(process.stderr), failed.add),
  ])
  const code = await child.exited
  running.delete(child)
  for (const write of held) write()
  return { code, totals: readTotals(end, code), failedFiles: failed.files() }
}

/** Copies a stream, shows its lines to `onText`, and returns its last part, where bun test writes its totals. */
async function passThrough(
  from: ReadableStream<Uint8Array>,
  to: (chunk: Uint8Array) => void,
  onText: (text: string) => void,
): Promise<string> {
  const decoder = new TextDecoder()
  let end = ''
  for await (const chunk of from) {
    to(chunk)
    const text = decoder.decode(chunk, { stream: true })
    onText(text)
    end = (end + text).slice(-2000)
  }
  return end
}

/** A run that was killed with SIGKILL could not remove its folder. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(scratch)) {
    const pid = name.startsWith(FOLDER) ? Number.parseInt(name.slice(FOLDER.length), 10) : Number.NaN
    if (!pid || isAlive(pid)) continue
    // What is mounted in it stays until somebody unmounts it, and is in nobody's way.
    await rm(join(scratch, name), { recursive: true, force: true }).catch((error: Error) =>
      console.error(`Could not remove what an earlier run left: ${error.message}`),
    )
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
