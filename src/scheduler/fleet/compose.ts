import { AppError } from '../../shared/core/error.ts'
import { copyContainer } from '../../shared/docker/copy.ts'
import type { Engine, InspectedContainer, ListedContainer } from '../../shared/docker/engine.ts'
import { NUMBER, ONE_OFF, PROJECT, SERVICE } from '../../shared/docker/labels.ts'
import { MAX_WORKERS, SAFE_NAME } from '../../shared/fleet.ts'
import type { Log } from '../../shared/log.ts'
import {
  findContainer,
  hostnameOf,
  isEngineError,
  killContainer,
  listContainers,
  nameOf,
} from './containers.ts'
import type { Fleet } from './port.ts'

export interface ComposeFleetOptions {
  engine: Engine
  /** Containers of this project and this service are the fleet; no other is ever touched. */
  project: string
  service: string
  /** ms that a worker may take to finish what it runs, at most. */
  stopLimitMs: number
  log: Log
}

/** States of containers that take part, or will again by themselves. */
const ACTIVE = new Set(['running', 'restarting', 'paused'])
/** ms after which a request is answered though not all have started; an engine starts a few a second. */
const PATIENCE_MS = 8000
/** ms that creating or starting one may take when many are. */
const START_LIMIT_MS = 120_000

/** Another scheduler may take the same number, or remove what this one is about to start. */
const TRIES = 3

/**
 * The containers of a Compose service. What is started is a copy of what Compose made, so that
 * `docker compose ps`, `up` and `down` know it as their own.
 */
export function createComposeFleet(options: ComposeFleetOptions): Fleet {
  const { engine, project, service, stopLimitMs, log } = options
  for (const name of [project, service]) {
    if (!SAFE_NAME.test(name)) throw new AppError('invalid', `"${name}" is no name of a project or service`)
  }
  /** Ids of containers that finish what they run; they are running still, and count no more. */
  const draining = new Set<string>()
  let last: Promise<unknown> = Promise.resolve()

  const list = async () => {
    const found = await listContainers(engine, { [PROJECT]: project, [SERVICE]: service })
    return found.filter(({ Labels }) => Labels[ONE_OFF]?.toLowerCase() !== 'true').sort(byNumber)
  }

  /** One change at a time: two at once would count the same containers. */
  function inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = last.then(change)
    last = done.catch(() => {})
    return done
  }

  async function scaleTo(count: number): Promise<void> {
    for (let left = TRIES; ; left--) {
      try {
        return await resize(count)
      } catch (error) {
        if (left <= 1 || !isEngineError(error, 404, 409)) throw error
      }
    }
  }

  async function resize(count: number): Promise<void> {
    const all = await list()
    const active = all.filter(({ State, Id }) => ACTIVE.has(State) && !draining.has(Id))
    for (const container of active.slice(count).reverse()) void drain(container)
    const spare = all.filter(({ State }) => State === 'created' || State === 'exited')
    const wanted = Array.from({ length: Math.max(0, count - active.length) })
    const restarted = spare.slice(0, wanted.length)
    await Promise.all(restarted.map(start))
    const missing = wanted.length - restarted.length
    if (missing === 0) return

    const [sibling] = all
    if (!sibling) {
      throw new AppError(
        'unavailable',
        `project ${project} has no container of service ${service} to copy; run docker compose up once`,
      )
    }
    const template = await engine.call<InspectedContainer>('GET', `/containers/${sibling.Id}/json`)
    const taken = new Set(all.map(numberOf))
    const free = Array.from({ length: all.length + missing }, (_, index) => index + 1).filter(
      (number) => !taken.has(number),
    )
    await Promise.all(free.slice(0, missing).map((number) => create(template, number)))
  }

  async function create(template: InspectedContainer, number: number): Promise<void> {
    const { name, body } = copyContainer(template, number)
    const { Id } = await engine.call<{ Id: string }>('POST', '/containers/create', {
      query: { name },
      body,
      limitMs: START_LIMIT_MS,
    })
    await start({ Id })
  }

  const start = ({ Id }: Pick<ListedContainer, 'Id'>) =>
    engine.call('POST', `/containers/${Id}/start`, { limitMs: START_LIMIT_MS })

  /** Does not wait in the request's stead: what runs may take half a minute. */
  async function drain(container: ListedContainer): Promise<void> {
    const { Id } = container
    draining.add(Id)
    try {
      await engine.call('POST', `/containers/${Id}/stop`, { limitMs: stopLimitMs })
      await engine.call('DELETE', `/containers/${Id}`)
    } catch (error) {
      // What is stopped and still there is started again before a new one is made.
      if (!isEngineError(error, 404))
        log.warn({ err: error, container: nameOf(container) }, 'Could not drain')
    } finally {
      draining.delete(Id)
    }
  }

  return {
    isScalable: true,

    async scale(count) {
      if (!Number.isInteger(count) || count < 1 || count > MAX_WORKERS) {
        throw new AppError('invalid', `count must be between 1 and ${MAX_WORKERS}`)
      }
      const scaled = inTurn(() => scaleTo(count))
      scaled.catch((error) => log.warn({ err: error, count }, 'Could not scale'))
      await Promise.race([scaled, Bun.sleep(PATIENCE_MS)])
      return `docker compose -p ${project} up -d --no-recreate --scale ${service}=${count}`
    },

    async kill(worker) {
      const container = findContainer(await list(), worker)
      if (!container) {
        throw new AppError(
          'not_found',
          `worker ${worker.name} runs in no container of ${service} of ${project}`,
        )
      }
      await killContainer(engine, container)
      // The engine takes a kill for a wish that it stay away; its place is kept, as everywhere else.
      if (!draining.has(container.Id)) {
        start(container).catch((error) =>
          log.warn({ err: error, container: nameOf(container) }, 'Could not start a killed worker again'),
        )
      }
      return `docker kill ${nameOf(container)}`
    },

    async hostnameOf(called) {
      const found = (await list()).find((container) => nameOf(container) === called)
      return found ? hostnameOf(found) : null
    },
  }
}

const numberOf = ({ Labels }: ListedContainer) => Number(Labels[NUMBER] ?? 0)
const byNumber = (a: ListedContainer, b: ListedContainer) => numberOf(a) - numberOf(b)
