import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { createKubernetesFleet } from '../../../src/scheduler/fleet/kubernetes.ts'
import { createEngine } from '../../../src/shared/docker/engine.ts'
import { type Launcher, run, startUp, temporaryFolder } from '../../support/up.ts'

/** Every spelling in which programs look for a proxy. Nobody listens there. */
const NAMES = ['http_proxy', 'https_proxy', 'all_proxy', 'grpc_proxy'].flatMap((name) => [
  name,
  name.toUpperCase(),
])
const PROXIES = Object.fromEntries(NAMES.map((name) => [name, 'http://127.0.0.1:1']))
const CLI = 'src/cli/main.ts'

let launcher: Launcher

beforeAll(async () => {
  launcher = await startUp(await temporaryFolder(), {
    ...PROXIES,
    ...{ WORKERS: '1', AUTOSCALE: '1:2', HTTP_ALLOW_PRIVATE: '127.0.0.0/8' },
  })
}, 90_000)

const target = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('reached') })
afterAll(() => target.stop(true))

const taskmaster = (...args: string[]) => run(CLI, args, { ...PROXIES, TASKMASTER_SERVER: launcher.url })

test('a system runs tasks on this machine whatever proxy the environment names, and its command line reaches it', async () => {
  const { code, out } = await taskmaster('submit', '--cmd', 'hello', '--wait')
  expect({ code, end: out.split('\n')[3] }).toEqual({
    code: 0,
    end: expect.stringMatching(/^Task completed/),
  })
})

test('the lines of a task are followed directly', async () => {
  const { out } = await taskmaster('submit', '--cmd', 'hello', '--json')
  const { task_id } = JSON.parse(out) as { task_id: string }
  expect((await taskmaster('logs', task_id, '--follow')).code).toBe(0)
})

test('an http task asks its target itself', async () => {
  const { code, out } = await taskmaster('submit', '--executor', 'http', '--cmd', target.url.href, '--wait')
  expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('reached') })
})

test('what is set for the scheduler reaches it through up', async () => {
  const response = await fetch(`${launcher.url}/api/workers/autoscaling`)
  expect(await response.json()).toMatchObject({ enabled: true, min: 1, max: 2 })
})

test('the health check of a container asks its service directly', async () => {
  const port = new URL(launcher.url).port
  const check = await run('src/cli/alive.ts', ['scheduler'], { ...PROXIES, SCHEDULER_PORT: port })
  expect(check).toEqual({ code: 0, out: '', err: '' })
})

test('the client for programs reaches a scheduler of this machine directly', async () => {
  const program = `
    import { createClient } from './src/client/main.ts'
    const client = createClient({ url: '${launcher.url}' })
    const handle = await client.submit({ command: 'x' })
    await handle.result()
    console.log((await handle.get()).state)
    process.exit(0)`
  const child = Bun.spawn([process.execPath, '-e', program], {
    cwd: join(import.meta.dir, '../../..'),
    env: { PATH: process.env.PATH ?? '', ...PROXIES },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  expect({ out, err }).toEqual({ out: 'completed\n', err: '' })
})

test('a scheduler that cannot be reached through a proxy is told with the name of its variable', async () => {
  const args = ['stats', '--server', 'http://tasks.example.com']
  const { code, err } = await run(CLI, args, { HTTP_PROXY: 'http://me:secret@127.0.0.1:1' })
  expect({ code, err }).toEqual({
    code: 1,
    err:
      'Error: the scheduler at http://tasks.example.com cannot be reached through the proxy that HTTP_PROXY names. ' +
      'Start one with `bun run up`, or name another with --server.\n',
  })
})

test('Docker and the Kubernetes API are asked directly', async () => {
  const api = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: ({ url }) => Response.json(url.includes('/scale') ? { spec: { replicas: 2 } } : []),
  })
  const folder = await temporaryFolder()
  for (const file of ['token', 'ca.crt', 'namespace']) await Bun.write(join(folder, file), 'x')
  const before = { ...process.env }
  Object.assign(process.env, PROXIES)
  try {
    const engine = createEngine(`tcp://127.0.0.1:${api.port}`)
    expect(await engine.call<unknown[]>('GET', '/containers/json')).toEqual([])
    const fleet = createKubernetesFleet({
      ...{ url: `http://127.0.0.1:${api.port}`, accountFolder: folder, deployment: 'worker' },
    })
    expect(await fleet.scale(2)).toContain('worker')
  } finally {
    for (const name of NAMES) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
    api.stop(true)
  }
})
