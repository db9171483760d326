import { type Engine, EngineError, type ListedContainer } from '../../shared/docker/engine.ts'
import type { KillTarget } from './port.ts'

/** The containers that bear all of these labels, whatever state they are in. */
export async function listContainers(
  engine: Engine,
  labels: Record<string, string>,
): Promise<ListedContainer[]> {
  const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`)
  const found = await engine.call<ListedContainer[]>('GET', '/containers/json', {
    query: { all: 'true', filters: JSON.stringify({ label }) },
  })
  // Whoever answers may be a proxy or a newer engine: what is done with containers rests on this.
  return found.filter(({ Labels }) => Object.entries(labels).every(([name, value]) => Labels[name] === value))
}

export const nameOf = ({ Names, Id }: ListedContainer) => Names[0]?.replace(/^\//, '') ?? Id.slice(0, 12)

/** The host name that Docker gives to a container. */
export const hostnameOf = ({ Id }: ListedContainer) => Id.slice(0, 12)

/** The running container that a worker says it is in; null when it is none of these. */
export function findContainer(containers: ListedContainer[], worker: KillTarget): ListedContainer | null {
  const isIts = (container: ListedContainer) =>
    container.State === 'running' && hostnameOf(container) === worker.hostname
  return containers.find(isIts) ?? null
}

/** Kills the container, and waits until it is dead. */
export async function killContainer(engine: Engine, { Id }: ListedContainer): Promise<void> {
  await engine.call('POST', `/containers/${Id}/kill`, { query: { signal: 'SIGKILL' } })
  await engine.call('POST', `/containers/${Id}/wait`, { query: { condition: 'not-running' } })
}

export const isEngineError = (error: unknown, ...statuses: number[]) =>
  error instanceof EngineError && statuses.includes(error.status)
