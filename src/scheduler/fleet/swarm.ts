import { AppError } from '../../shared/core/error.ts'
import type { Engine, EngineService } from '../../shared/docker/engine.ts'
import { SWARM_SERVICE } from '../../shared/docker/labels.ts'
import { MAX_WORKERS, SAFE_NAME } from '../../shared/fleet.ts'
import {
  findContainer,
  hostnameOf,
  isEngineError,
  killContainer,
  listContainers,
  nameOf,
} from './containers.ts'
import type { Fleet } from './port.ts'

export interface SwarmFleetOptions {
  /** The engine of a manager. Only the containers of its own node can be killed through it. */
  engine: Engine
  /** The whole name of the service, such as `taskmaster_worker`. */
  service: string
}

/** Somebody else may change the service between our reading and our writing. */
const TRIES = 5

/** The replicas of a Swarm service. Swarm replaces what is killed, and stops what is too many. */
export function createSwarmFleet({ engine, service }: SwarmFleetOptions): Fleet {
  if (!SAFE_NAME.test(service)) throw new AppError('invalid', `"${service}" is no name of a service`)
  const list = () => listContainers(engine, { [SWARM_SERVICE]: service })

  async function setReplicas(count: number): Promise<void> {
    const { ID, Version, Spec } = await engine.call<EngineService>('GET', `/services/${service}`)
    if (!Spec.Mode.Replicated) throw new AppError('unavailable', `${service} is no replicated service`)
    await engine.call('POST', `/services/${ID}/update`, {
      query: { version: String(Version.Index) },
      body: { ...Spec, Mode: { Replicated: { Replicas: count } } },
    })
  }

  return {
    isScalable: true,

    async scale(count) {
      if (!Number.isInteger(count) || count < 1 || count > MAX_WORKERS) {
        throw new AppError('invalid', `count must be between 1 and ${MAX_WORKERS}`)
      }
      for (let left = TRIES; ; left--) {
        try {
          await setReplicas(count)
          return `docker service scale ${service}=${count}`
        } catch (error) {
          const isOutdated =
            isEngineError(error, 409, 500) && /out of sequence/.test((error as Error).message)
          if (left <= 1 || !isOutdated) throw error
        }
      }
    },

    async kill(worker) {
      // A manager scales every node's workers, but an engine knows the containers of its own node alone.
      const container = findContainer(await list(), worker)
      if (!container) {
        throw new AppError(
          'unavailable',
          `worker ${worker.name} runs on another node than the engine that is asked; run docker kill ${worker.hostname} there`,
        )
      }
      await killContainer(engine, container)
      return `docker kill ${nameOf(container)}`
    },

    async hostnameOf(called) {
      const found = (await list()).find((container) => nameOf(container) === called)
      return found ? hostnameOf(found) : null
    },
  }
}
