import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKubernetesFleet } from '../../../src/scheduler/fleet/kubernetes.ts'
import fc from '../../support/property.ts'

const SELECTOR = 'app.kubernetes.io/name=worker'
const PODS = ['worker-7d9-abc', 'worker-7d9-def']

interface Asked {
  method: string
  path: string
  selector: string | null
  type: string | null
  authorization: string | null
  body: unknown
}

const asked: Asked[] = []
let refusal: { status: number; message: string } | null = null
let deployed = true

/** As much of the Kubernetes API as the fleet uses: https://kubernetes.io/docs/reference/using-api/ */
const api = Bun.serve({
  port: 0,
  async fetch(request) {
    const { pathname: path, searchParams } = new URL(request.url)
    const text = await request.text()
    asked.push({
      method: request.method,
      path,
      selector: searchParams.get('labelSelector'),
      type: request.headers.get('content-type'),
      authorization: request.headers.get('authorization'),
      body: text ? JSON.parse(text) : null,
    })
    if (refusal)
      return Response.json({ kind: 'Status', message: refusal.message }, { status: refusal.status })
    if (path === '/apis/apps/v1/namespaces/tasks/deployments/worker/scale' && deployed) {
      return Response.json({
        kind: 'Scale',
        spec: { replicas: 2 },
        status: { replicas: 2, selector: SELECTOR },
      })
    }
    if (path === '/api/v1/namespaces/tasks/pods' && searchParams.get('labelSelector') === SELECTOR) {
      return Response.json({ items: PODS.map((name) => ({ metadata: { name } })) })
    }
    if (
      request.method === 'DELETE' &&
      PODS.some((name) => path === `/api/v1/namespaces/tasks/pods/${name}`)
    ) {
      return Response.json({ kind: 'Pod' })
    }
    return Response.json({ kind: 'Status' }, { status: 404 })
  },
})

let accountFolder: string
const fleetAt = (url: string, folder = accountFolder) =>
  createKubernetesFleet({ url, accountFolder: folder, deployment: 'worker' })
const fleet = () => fleetAt(`http://127.0.0.1:${api.port}`)

beforeAll(async () => {
  accountFolder = await mkdtemp(join(tmpdir(), 'taskmaster-account-'))
  await writeFile(join(accountFolder, 'token'), 'first\n')
  await writeFile(join(accountFolder, 'namespace'), 'tasks')
  await writeFile(join(accountFolder, 'ca.crt'), '')
})
beforeEach(() => {
  asked.length = 0
  refusal = null
  deployed = true
})
afterAll(async () => {
  await api.stop(true)
  await rm(accountFolder, { recursive: true })
})

test('scaling patches the scale of the Deployment', async () => {
  expect(await fleet().scale(5)).toBe('kubectl scale deployment/worker --replicas=5')
  expect(asked).toEqual([
    {
      method: 'PATCH',
      path: '/apis/apps/v1/namespaces/tasks/deployments/worker/scale',
      selector: null,
      type: 'application/merge-patch+json',
      authorization: 'Bearer first',
      body: { spec: { replicas: 5 } },
    },
  ])
})

test('killing deletes that pod at once', async () => {
  expect(await fleet().kill({ id: 1, name: 'any', hostname: PODS[1]! })).toContain(`delete pod ${PODS[1]}`)
  expect(asked.filter(({ method }) => method === 'DELETE').map(({ path }) => path)).toEqual([
    `/api/v1/namespaces/tasks/pods/${PODS[1]}`,
  ])
})

test('a pod that is none of the Deployment’s is not touched', async () => {
  const kill = fleet().kill({ id: 1, name: 'postgres', hostname: 'postgres-0' })
  expect(kill).rejects.toMatchObject({ code: 'not_found' })
  await kill.catch(() => {})
  expect(asked.some(({ method }) => method === 'DELETE')).toBeFalse()
  expect(await fleet().hostnameOf?.('postgres-0')).toBeNull()
  expect(await fleet().hostnameOf?.(PODS[0]!)).toBe(PODS[0]!)
})

test('without the Deployment no pod is looked for, because every pod would match', async () => {
  deployed = false
  expect(
    await fleet()
      .kill({ id: 1, name: 'x', hostname: PODS[0]! })
      .catch(({ message }) => message),
  ).toBe('there is no Deployment worker')
  expect(
    await fleet()
      .scale(2)
      .catch(({ code }) => code),
  ).toBe('unavailable')
  expect(asked.some(({ path }) => path.includes('/pods'))).toBeFalse()
})

test('a token that Kubernetes replaced is used', async () => {
  const kept = fleet()
  await writeFile(join(accountFolder, 'token'), 'second')
  await kept.scale(1)
  await writeFile(join(accountFolder, 'token'), 'first')
  expect(asked[0]?.authorization).toBe('Bearer second')
})

test.skipIf(!Bun.which('openssl'))(
  'the API server is believed when the account’s own authority signed for it',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'taskmaster-authority-'))
    const at = (file: string) => join(folder, file)
    const made = Bun.spawnSync(
      [
        'openssl',
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '1',
      ]
        .concat(['-subj', '/CN=kubernetes', '-addext', 'subjectAltName=IP:127.0.0.1'])
        .concat(['-keyout', at('key'), '-out', at('ca.crt')]),
    )
    expect(made.exitCode).toBe(0)
    await Promise.all([writeFile(at('token'), 'secret'), writeFile(at('namespace'), 'tasks')])
    using secure = Bun.serve({
      port: 0,
      tls: { key: Bun.file(at('key')), cert: Bun.file(at('ca.crt')) },
      fetch: () => Response.json({ kind: 'Scale' }),
    })
    const url = `https://127.0.0.1:${secure.port}`
    expect(await fleetAt(url, folder).scale(3)).toContain('--replicas=3')
    // Another authority's, which is what a stranger in the middle would have.
    expect(
      await fleetAt(url)
        .scale(3)
        .catch(({ message }) => message),
    ).toBe('the Kubernetes API does not answer')
    await rm(folder, { recursive: true })
  },
)

test('what Kubernetes says when it refuses is passed on, as is its silence', async () => {
  refusal = { status: 403, message: 'deployments.apps "worker" is forbidden' }
  expect(
    await fleet()
      .scale(1)
      .catch((error) => `${error.code}: ${error.message}`),
  ).toBe('unavailable: Kubernetes says: deployments.apps "worker" is forbidden')
  expect(
    await fleetAt('http://127.0.0.1:1')
      .scale(1)
      .catch(({ code }) => code),
  ).toBe('unavailable')
  expect(
    await fleetAt('http://127.0.0.1:1', '/nowhere')
      .scale(1)
      .catch(({ message }) => message),
  ).toContain('/nowhere')
})

test('no name and no count but those of workers reaches Kubernetes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.string(), fc.constantFrom('../postgres-0', 'a/b', '?', '')),
      async (hostname) => {
        await fleet()
          .kill({ id: 1, name: hostname, hostname })
          .catch(() => {})
      },
    ),
    { numRuns: 100 },
  )
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.double(), fc.integer()), async (count) => {
      const isFine = Number.isInteger(count) && count >= 1 && count <= 50
      const before = asked.length
      const outcome = await fleet()
        .scale(count)
        .then(
          () => true,
          () => false,
        )
      expect({ count, outcome, calls: asked.length - before }).toEqual({
        count,
        outcome: isFine,
        calls: isFine ? 1 : 0,
      })
    }),
    { numRuns: 200 },
  )
  expect(asked.some(({ method }) => method === 'DELETE')).toBeFalse()
})
