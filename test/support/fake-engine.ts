import type { CallOptions, Engine, InspectedContainer } from '../../src/shared/docker/engine.ts'
import { EngineError } from '../../src/shared/docker/engine.ts'

const CREATED = 'f'.repeat(64)

export interface Call {
  method: string
  path: string
  options: CallOptions
}

/** An engine that holds these containers and services, does nothing, and writes down what it was asked to do. */
export interface FakeEngine extends Engine {
  readonly calls: Call[]
}

export function createFakeEngine(
  containers: InspectedContainer[],
  services: { ID: string; Spec: { Name: string } }[] = [],
): FakeEngine {
  const calls: Call[] = []
  return {
    calls,
    async call<T>(method: 'GET' | 'POST' | 'DELETE', path: string, options: CallOptions = {}): Promise<T> {
      calls.push({ method, path, options })
      if (path === '/containers/json') {
        const listed = containers.map(({ Id, Name, Config }) => ({
          Id,
          Names: [Name],
          Labels: Config.Labels ?? {},
          State: 'running',
        }))
        return listed as T
      }
      if (path === '/containers/create') return { Id: CREATED } as T
      if (path === `/containers/${CREATED}/start`) return null as T
      const [, kind, name] = path.split('/')
      const found =
        kind === 'services'
          ? services.find(({ ID, Spec }) => ID === name || Spec.Name === name)
          : containers.find(({ Id, Name }) => Id.startsWith(name ?? '') || Name === `/${name}`)
      if (!found) throw new EngineError(404, 'no such thing')
      return (method === 'GET' ? found : null) as T
    },
  }
}

export function fakeContainer(id: string, name: string, labels: Record<string, string>): InspectedContainer {
  const Id = id.padEnd(64, '0')
  return {
    Id,
    Name: `/${name}`,
    Config: {
      Hostname: Id.slice(0, 12),
      Labels: labels,
      Image: `image-of-${name}`,
      Env: ['A=1'],
      User: 'bun',
    },
    HostConfig: { Memory: 512, Privileged: false, Binds: null, NetworkMode: 'p_default' },
    NetworkSettings: { Networks: { p_default: { Aliases: [Id.slice(0, 12), 'worker', name] } } },
  }
}
