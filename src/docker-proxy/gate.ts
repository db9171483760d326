import { AppError } from '../shared/core/error.ts'
import { headOf } from '../shared/core/text.ts'
import { copyContainer, numberOfName } from '../shared/docker/copy.ts'
import {
  type Engine,
  EngineError,
  type EngineService,
  type InspectedContainer,
  type ListedContainer,
} from '../shared/docker/engine.ts'
import {
  nameOfStackService,
  ONE_OFF,
  PROJECT,
  SERVICE,
  STACK,
  SWARM_SERVICE,
} from '../shared/docker/labels.ts'
import { MAX_WORKERS, SAFE_NAME } from '../shared/fleet.ts'
import type { Log } from '../shared/log.ts'
import type { Confines } from './confines.ts'

export interface GateOptions {
  engine: Engine
  confines: Confines
  log: Log
}

export interface Gate {
  /** Answers what Docker would answer to the few calls that are allowed, and 403 to everything else. */
  answer(request: Request): Promise<Response>
}

/** Longer than any container's grace period; whoever asks decides how long to wait. */
const LIMIT_MS = 600_000

/**
 * A part of Docker's API that can do nothing but scale and kill one service's workers. No path, query or body of
 * a caller's is passed on: what a call names is looked up, checked by the labels it has, and the call to the
 * engine is written anew. A new container is a copy of one that Compose made, so none can be given a mount, a
 * privilege or an image of the caller's choice.
 */
export function createGate({ engine, confines, log }: GateOptions): Gate {
  const { kind, project, service } = confines
  const wholeService = nameOfStackService(project, service)
  const workerLabels: Record<string, string> =
    kind === 'swarm' ? { [SWARM_SERVICE]: wholeService } : { [PROJECT]: project, [SERVICE]: service }

  const isWorker = (labels: Record<string, string> | null) =>
    Object.entries(workerLabels).every(([name, value]) => labels?.[name] === value) &&
    labels?.[ONE_OFF]?.toLowerCase() !== 'true'

  async function workers(): Promise<ListedContainer[]> {
    const label = Object.entries(workerLabels).map(([name, value]) => `${name}=${value}`)
    const query = { all: 'true', filters: JSON.stringify({ label }) }
    const found = await engine.call<ListedContainer[]>('GET', '/containers/json', { query })
    return found.filter(({ Labels }) => isWorker(Labels))
  }

  async function worker(name: string): Promise<InspectedContainer> {
    const found = await inspect(name)
    if (!isWorker(found.Config.Labels)) throw new EngineError(403, `${name} is no worker of ${project}`)
    return found
  }

  async function inspect(name: string): Promise<InspectedContainer> {
    if (!SAFE_NAME.test(name)) throw new EngineError(403, 'no name of a container')
    return await engine.call<InspectedContainer>('GET', `/containers/${name}/json`)
  }

  const allowed: Route[] = [
    ['GET', /^\/containers\/json$/, async () => await workers()],
    [
      'GET',
      /^\/containers\/([^/]+)\/json$/,
      async ([name]) => {
        const found = await inspect(name)
        const labels = found.Config.Labels
        if (isWorker(labels)) return found
        // A scheduler asks in which project it is itself; more is not told of what is no worker.
        if (labels?.[kind === 'swarm' ? STACK : PROJECT] !== project) throw new EngineError(403, 'not ours')
        return { Id: found.Id, Name: found.Name, Config: { Hostname: found.Config.Hostname, Labels: labels } }
      },
    ],
    [
      'POST',
      /^\/containers\/([^/]+)\/(start|stop|kill|wait)$/,
      async ([name, verb]) => {
        const { Id } = await worker(name)
        const query = FIXED_QUERY[verb]
        const options = { limitMs: LIMIT_MS, ...(query && { query }) }
        return await engine.call('POST', `/containers/${Id}/${verb}`, options)
      },
    ],
    [
      'DELETE',
      /^\/containers\/([^/]+)$/,
      async ([name]) => await engine.call('DELETE', `/containers/${(await worker(name)).Id}`),
    ],
  ]
  if (kind === 'compose') {
    allowed.push([
      'POST',
      /^\/containers\/create$/,
      async (_, { query }) => {
        const present = await workers()
        const [sibling] = present
        if (!sibling) throw new EngineError(404, 'there is no worker to copy')
        if (present.length >= 2 * MAX_WORKERS) throw new EngineError(403, 'there are too many workers')
        const number = numberOfName(query.get('name') ?? '')
        if (number === null) throw new EngineError(403, 'the name ends in no number')
        const { name, body } = copyContainer(await worker(sibling.Id), number)
        if (name !== query.get('name')) throw new EngineError(403, `the name would have to be ${name}`)
        return await engine.call('POST', '/containers/create', { query: { name }, body, limitMs: LIMIT_MS })
      },
    ])
  } else {
    const ownService = async () => {
      const found = await engine.call<EngineService>('GET', `/services/${wholeService}`)
      if (found.Spec.Labels?.[STACK] !== project) throw new EngineError(403, 'not ours')
      return found
    }
    allowed.push(
      ['GET', new RegExp(`^/services/${wholeService.replaceAll('.', '\\.')}$`), ownService],
      [
        'POST',
        /^\/services\/([^/]+)\/update$/,
        async ([id], { query, body }) => {
          const { ID, Version, Spec } = await ownService()
          if (id !== ID) throw new EngineError(403, 'not ours')
          const count = replicasOf(await body())
          if (count === null || !Spec.Mode.Replicated)
            throw new EngineError(403, 'no such number of replicas')
          if (query.get('version') !== String(Version.Index))
            throw new EngineError(409, 'update out of sequence')
          return await engine.call('POST', `/services/${ID}/update`, {
            query: { version: String(Version.Index) },
            body: { ...Spec, Mode: { Replicated: { Replicas: count } } },
          })
        },
      ],
    )
  }

  return {
    async answer(request) {
      const { pathname, searchParams: query } = new URL(request.url)
      try {
        for (const [method, path, act] of allowed) {
          const match = request.method === method ? path.exec(pathname) : null
          if (!match) continue
          const [, ...parts] = match
          const answer = await act(parts as Parts, { query, body: () => request.json() })
          if (method !== 'GET') log.info({ method, path: pathname }, 'Passed on')
          return answer === null ? new Response(null, { status: 204 }) : Response.json(answer)
        }
        throw new EngineError(403, 'this proxy does not pass that on')
      } catch (error) {
        const status = error instanceof EngineError ? error.status : error instanceof AppError ? 502 : 400
        log.warn({ method: request.method, path: headOf(pathname, 200), status }, 'Refused')
        return Response.json({ message: (error as Error).message.replace(/^Docker says: /, '') }, { status })
      }
    },
  }
}

const FIXED_QUERY: Partial<Record<string, Record<string, string>>> = {
  kill: { signal: 'SIGKILL' },
  wait: { condition: 'not-running' },
}

type Parts = [string, 'start' | 'stop' | 'kill' | 'wait']

type Route = [
  method: 'GET' | 'POST' | 'DELETE',
  path: RegExp,
  act: (parts: Parts, request: { query: URLSearchParams; body: () => Promise<unknown> }) => Promise<unknown>,
]

function replicasOf(spec: unknown): number | null {
  const count = (spec as EngineService['Spec'] | null)?.Mode?.Replicated?.Replicas
  return Number.isInteger(count) && Number(count) >= 1 && Number(count) <= MAX_WORKERS ? Number(count) : null
}
