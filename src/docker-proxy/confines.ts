import { AppError } from '../shared/core/error.ts'
import type { Engine, InspectedContainer } from '../shared/docker/engine.ts'
import { PROJECT, STACK } from '../shared/docker/labels.ts'
import { SAFE_NAME } from '../shared/fleet.ts'

/** What the proxy lets be touched: the containers of one service, and nothing else. */
export interface Confines {
  kind: 'compose' | 'swarm'
  /** The Compose project or the Swarm stack. */
  project: string
  /** Without the stack's name. */
  service: string
}

/** Those of the settings, or of the project or stack of the proxy's own container. @throws `unavailable` */
export async function findConfines(
  engine: Engine,
  { hostname, project, service }: { hostname: string; project: string | null; service: string },
): Promise<Confines> {
  const own = await engine.call<InspectedContainer>('GET', `/containers/${encodeURIComponent(hostname)}/json`)
  const labels = own.Config.Labels ?? {}
  const kind = labels[STACK] ? 'swarm' : 'compose'
  const found = project ?? labels[STACK] ?? labels[PROJECT] ?? ''
  for (const name of [found, service]) {
    if (!SAFE_NAME.test(name))
      throw new AppError('unavailable', `"${name}" is no name of a project or service`)
  }
  return { kind, project: found, service }
}
