import { AppError } from '../../shared/core/error.ts'
import type { Engine, InspectedContainer } from '../../shared/docker/engine.ts'
import { nameOfStackService, PROJECT, STACK } from '../../shared/docker/labels.ts'
import { SAFE_NAME } from '../../shared/fleet.ts'
import type { Log } from '../../shared/log.ts'
import { createComposeFleet } from './compose.ts'
import { isEngineError } from './containers.ts'
import type { Fleet } from './port.ts'
import { createSwarmFleet } from './swarm.ts'

export interface DockerFleetOptions {
  engine: Engine
  kind: 'compose' | 'swarm' | 'detect'
  /** The host name of the container that this scheduler is in. */
  hostname: string
  /** The Compose project or the Swarm stack; null: that of the scheduler's own container. */
  project: string | null
  /** The service whose containers are the workers, without the stack's name. */
  service: string
  stopLimitMs: number
  log: Log
}

/** The fleet of the project or the stack that this scheduler is in. @throws `unavailable` with the reason */
export async function findDockerFleet(options: DockerFleetOptions): Promise<Fleet> {
  const { engine, kind, service, stopLimitMs, log } = options
  const labels = options.project === null || kind === 'detect' ? await ownLabels(options) : {}
  const project = options.project ?? labels[PROJECT]
  const stack = options.project ?? labels[STACK]
  if (kind === 'swarm' || (kind === 'detect' && labels[STACK])) {
    if (!stack) throw new AppError('unavailable', 'the scheduler runs in no Swarm stack; set FLEET_PROJECT')
    return createSwarmFleet({ engine, service: nameOfStackService(stack, service) })
  }
  if (!project)
    throw new AppError('unavailable', 'the scheduler runs in no Compose project; set FLEET_PROJECT')
  return createComposeFleet({ engine, project, service, stopLimitMs, log })
}

async function ownLabels({ engine, hostname }: DockerFleetOptions): Promise<Record<string, string>> {
  if (!SAFE_NAME.test(hostname)) return {}
  try {
    const own = await engine.call<InspectedContainer>('GET', `/containers/${hostname}/json`)
    // The name of the host may happen to be that of a container.
    return own.Config.Hostname === hostname ? (own.Config.Labels ?? {}) : {}
  } catch (error) {
    if (isEngineError(error, 404)) return {}
    throw error
  }
}
