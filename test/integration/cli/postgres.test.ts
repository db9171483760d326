import { afterAll, beforeAll, expect, test } from 'bun:test'
import { chmod, mkdtemp, readdir, readlink, rm, stat } from 'node:fs/promises'
import { connect as connectSocket } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/cli/up/postgres.ts'
import { connect } from '../../../src/shared/store/connect.ts'
import { poolSettings } from '../../support/server.ts'
import { isAlive } from '../../support/up.ts'
import { waitFor } from '../../support/wait.ts'

const QUICK = { fsync: 'off', shared_buffers: '16MB' }
const folders: string[] = []
const servers: EmbeddedPostgres[] = []
/** For the tests that leave it as it is. */
let shared: { folder: string; server: EmbeddedPostgres }

beforeAll(async () => {
  const folder = await temporaryFolder()
  shared = { folder, server: await start(folder) }
})

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()))
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })))
})

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'taskmaster-postgres-'))
  folders.push(folder)
  return folder
}

async function start(folder: string, port?: number): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ folder, settings: QUICK, ...(port && { port }) })
  servers.push(server)
  return server
}

async function query<T>(
  server: EmbeddedPostgres,
  text: string,
  password = server.settings.password,
): Promise<T[]> {
  const sql = connect({ ...server.settings, ...poolSettings, poolMax: 1, password })
  try {
    return (await sql.unsafe(text)) as unknown as T[]
  } finally {
    await sql.end()
  }
}

function reaches(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket({ host, port, timeout: 1000 })
    const answer = (reached: boolean) => () => {
      socket.destroy()
      resolve(reached)
    }
    socket.once('connect', answer(true)).once('error', answer(false)).once('timeout', answer(false))
  })
}

test('what was committed is there after a stop and a start, on another port', async () => {
  const folder = await temporaryFolder()
  const first = await start(folder)
  await query(first, 'CREATE TABLE public.kept AS SELECT 42 AS answer')
  await first.stop()
  const second = await start(folder)
  expect(await query<{ answer: number }>(second, 'SELECT answer FROM public.kept')).toMatchObject([
    { answer: 42 },
  ])
  expect(second.settings.password).toBe(first.settings.password)
  await second.stop()
})

test('nobody gets in without the password, which only its owner can read', async () => {
  const { folder, server } = shared
  await expect(query(server, 'SELECT 1', 'postgres')).rejects.toThrow('password authentication failed')
  await expect(query(server, 'SELECT 1', '')).rejects.toThrow()
  const rules = await query<{ auth_method: string }>(
    server,
    'SELECT DISTINCT auth_method FROM pg_hba_file_rules',
  )
  expect(rules.map((rule) => rule.auth_method)).toEqual(['scram-sha-256'])
  expect((await stat(join(folder, 'password'))).mode & 0o777).toBe(0o600)
  expect((await stat(join(folder, 'data'))).mode & 0o777).toBe(0o700)
  expect(await readdir(folder)).not.toContain('data.secret')
})

test('it listens on 127.0.0.1 and on no other address or socket', async () => {
  const { server } = shared
  const { port } = server.settings
  expect(await reaches('127.0.0.1', port)).toBeTrue()
  const others = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  for (const { address, internal } of others) {
    if (!internal) expect(await reaches(address, port)).toBeFalse()
  }
  expect(await query<object>(server, 'SHOW unix_socket_directories')).toMatchObject([
    { unix_socket_directories: '' },
  ])
})

test('a folder has one server at a time', async () => {
  const { folder, server } = shared
  await expect(start(folder)).rejects.toThrow(`in use by process ${process.pid}`)
  expect(await query<object>(server, 'SELECT 1 AS one')).toMatchObject([{ one: 1 }])
})

test('a server that ends by itself says so, and can be started again in its place', async () => {
  const folder = await temporaryFolder()
  const server = await start(folder)
  const [row] = await query<{ pid: number }>(
    server,
    "SELECT pg_read_file('postmaster.pid')::text::int AS pid",
  ).catch(async () => [
    { pid: Number((await Bun.file(join(folder, 'data', 'postmaster.pid')).text()).split('\n')[0]) },
  ])
  process.kill(row!.pid, 'SIGKILL')
  await server.exited
  const again = await start(folder, server.settings.port)
  expect(again.settings).toEqual(server.settings)
  await again.stop()
})

/** Starts a server in a process that then kills itself; the server's own process. */
async function startAndDie(folder: string, lingerSeconds: number): Promise<number> {
  const options = { folder, settings: QUICK, lingerSeconds }
  const program = `
    import { startEmbeddedPostgres } from '${join(import.meta.dir, '../../../src/cli/up/postgres.ts')}'
    await startEmbeddedPostgres(${JSON.stringify(options)})
    console.log(await Bun.file('${join(folder, 'data', 'postmaster.pid')}').text())
    process.kill(process.pid, 'SIGKILL')`
  const { PATH = '', HOME = '' } = process.env
  // Without our environment: a test run has Bun kill what the processes in it leave behind.
  const starter = Bun.spawn([process.execPath, '-e', program], { env: { PATH, HOME }, stdout: 'pipe' })
  const [pid] = (await new Response(starter.stdout).text()).split('\n')
  await starter.exited
  return Number(pid)
}

test('a server whose starter was killed ends by itself', async () => {
  const pid = await startAndDie(await temporaryFolder(), 0)
  expect(pid).toBeGreaterThan(0)
  await waitFor(() => !isAlive(pid), { what: 'the server to end' })
})

test('a start takes the place of a server whose starter was killed', async () => {
  const folder = await temporaryFolder()
  const pid = await startAndDie(folder, 60)
  expect(isAlive(pid)).toBeTrue()
  const server = await start(folder)
  await waitFor(() => !isAlive(pid), { what: 'the old server to be gone' })
  expect(await query<object>(server, 'SELECT 1 AS one')).toMatchObject([{ one: 1 }])
  await server.stop()
})

test('a server that cannot start says why', async () => {
  const folder = await temporaryFolder()
  await expect(startEmbeddedPostgres({ folder, settings: { shared_buffers: 'plenty' } })).rejects.toThrow(
    'PostgreSQL could not be started: ',
  )
})

test('an initialisation that was interrupted is made again', async () => {
  const folder = await temporaryFolder()
  await Bun.write(join(folder, 'data.new', 'half'), '')
  const server = await start(folder)
  expect(await query<object>(server, 'SELECT 1 AS one')).toMatchObject([{ one: 1 }])
  await server.stop()
})

test.if(process.getuid?.() === 0)(
  'as root, data that no other user could reach is kept elsewhere',
  async () => {
    const closed = await temporaryFolder()
    await chmod(closed, 0o700)
    const folder = join(closed, 'state')
    const server = await start(folder)
    const place = await readlink(join(folder, 'elsewhere'))
    folders.push(place)
    expect(place).toStartWith('/var/lib/taskmaster/')
    expect((await stat(join(place, 'data'))).uid).not.toBe(0)
    expect((await stat(closed)).mode & 0o777).toBe(0o700)
    await server.stop()
  },
)
