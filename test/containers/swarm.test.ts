import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import {
  becomeReady,
  buildImages,
  type Container,
  docker,
  freePort,
  getJson,
  hasEngine,
  listContainers,
  PATIENCE_MS,
  postJson,
  run,
} from '../support/engine.ts'
import { waitFor } from '../support/wait.ts'

interface Worker {
  id: number
  name: string
  hostname: string
}

interface Task {
  state: string
  attempt: number
}

const STACK = 'taskmaster-test'
const FILE = 'deploy/swarm.yml'

let url: string
/** Whether the swarm is of this test's making. */
let isOurs = false

beforeAll(async () => {
  if (!hasEngine) return
  await buildImages()
  if ((await docker('info', '--format', '{{.Swarm.LocalNodeState}}')) === 'inactive') {
    await docker('swarm', 'init', '--advertise-addr', '127.0.0.1')
    isOurs = true
  }
  await removeStack()
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  const { code, err } = await run(
    ['docker', 'stack', 'deploy', '--resolve-image', 'never', '-c', FILE, STACK],
    {
      SCHEDULER_PORT: String(port),
    },
  )
  if (code !== 0) throw new Error(err)
  await becomeReady(url, 3, 120_000)
}, PATIENCE_MS)

afterAll(async () => {
  if (!hasEngine) return
  await removeStack()
  if (isOurs) await docker('swarm', 'leave', '--force')
}, 120_000)

/** A stack is gone when its containers and networks are; only then can its volume be removed. */
async function removeStack(): Promise<void> {
  const label = `label=com.docker.stack.namespace=${STACK}`
  await run(['docker', 'stack', 'rm', STACK])
  await waitFor(
    async () =>
      (await docker('ps', '-aq', '--filter', label)) === '' &&
      (await docker('network', 'ls', '-q', '--filter', label)) === '',
    { what: 'the stack to be gone', timeoutMs: 90_000 },
  )
  for (const volume of (await docker('volume', 'ls', '-q', '--filter', label)).split('\n').filter(Boolean)) {
    await docker('volume', 'rm', volume)
  }
}

const workers = () => getJson<Worker[]>(`${url}/api/workers`)
const containers = async (service: string): Promise<Container[]> =>
  (await listContainers(`label=com.docker.swarm.service.name=${STACK}_${service}`)).filter(
    ({ state }) => state === 'running',
  )

describe.skipIf(!hasEngine)('docker stack deploy', () => {
  test('runs tasks, and scales through the API', async () => {
    const { body } = await postJson<{ task_ids: string[] }>(`${url}/api/schedule/batch`, {
      count: 50,
      payload: { duration_ms: 500 },
    })
    expect((await postJson(`${url}/api/workers/scale`, { count: 5 })).status).toBe(200)
    await becomeReady(url, 5)
    expect(
      await docker('service', 'inspect', '--format', '{{.Spec.Mode.Replicated.Replicas}}', `${STACK}_worker`),
    ).toBe('5')
    for (const id of body.task_ids) {
      await waitFor(async () => (await getJson<Task>(`${url}/tasks/${id}`)).state === 'completed', {
        what: `task ${id} to complete`,
        timeoutMs: 60_000,
      })
    }
    expect((await postJson(`${url}/api/workers/scale`, { count: 2 })).status).toBe(200)
    await becomeReady(url, 2)
  }, 180_000)

  test('a worker is killed by the name of its container, and Swarm replaces it', async () => {
    const before = await workers()
    const [victim, ...others] = await containers('worker')
    const { status, body } = await postJson<{ command: string }>(`${url}/api/workers/kill`, {
      name: victim!.name,
    })
    expect({ status, command: body.command }).toEqual({ status: 200, command: `docker kill ${victim!.name}` })
    await waitFor(
      async () => {
        const now = await workers()
        return now.length === 2 && now.some(({ id }) => before.every((worker) => worker.id !== id))
      },
      { what: 'another worker in its place', timeoutMs: 60_000 },
    )
    const now = await containers('worker')
    expect(now.map(({ id }) => id)).toContain(others[0]!.id)
    expect(now.map(({ id }) => id)).not.toContain(victim!.id)
  }, 120_000)

  test('nothing but a worker is killed', async () => {
    const strangers = (await Promise.all(['postgres', 'coordinator', 'scheduler'].map(containers))).flat()
    expect(strangers.length).toBe(4)
    for (const name of ['postgres', ...strangers.flatMap(({ id, name }) => [name, id.slice(0, 12)])]) {
      expect({ name, status: (await postJson(`${url}/api/workers/kill`, { name })).status }).toEqual({
        name,
        status: 404,
      })
    }
    const now = (await Promise.all(['postgres', 'coordinator', 'scheduler'].map(containers))).flat()
    expect(now).toEqual(strangers)
  }, 60_000)
})
