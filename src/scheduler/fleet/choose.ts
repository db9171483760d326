import { hostname } from 'node:os'
import { createEngine } from '../../shared/docker/engine.ts'
import type { Log } from '../../shared/log.ts'
import type { Config } from '../config.ts'
import { findDockerFleet } from './docker.ts'
import { createFoundFleet } from './found.ts'
import { createKubernetesFleet } from './kubernetes.ts'
import { createNoFleet } from './none.ts'
import type { Fleet } from './port.ts'
import { createProcessFleet } from './process.ts'

const LAUNCHER_DEADLINE_MS = 10_000
/** How long a container may take to stop: far more than any grace period. */
const STOP_LIMIT_MS = 600_000

/** The fleet that the settings name. @throws `invalid` when a setting of it is wrong */
export function chooseFleet(config: Config, log: Log): Fleet {
  const kind = config.fleet
  if (kind === 'process') return createProcessFleet(process, LAUNCHER_DEADLINE_MS)
  if (kind === 'none') {
    return createNoFleet('no fleet here can be scaled: this scheduler did not start the workers')
  }
  if (kind === 'kubernetes') {
    if (!config.kubernetesUrl) return createNoFleet('this scheduler runs in no pod of Kubernetes')
    const options = { url: config.kubernetesUrl, accountFolder: config.kubernetesAccount }
    const fleet = createKubernetesFleet({ ...options, deployment: config.fleetService })
    return createFoundFleet(async () => fleet, log)
  }
  const engine = createEngine(config.dockerHost)
  return createFoundFleet(
    () =>
      findDockerFleet({
        engine,
        kind: kind === 'docker' ? 'detect' : kind,
        hostname: hostname(),
        project: config.fleetProject,
        service: config.fleetService,
        stopLimitMs: STOP_LIMIT_MS,
        log,
      }),
    log,
  )
}
