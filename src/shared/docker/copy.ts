import type { InspectedContainer } from './engine.ts'
import { NUMBER, REPLACES } from './labels.ts'

/** What `POST /containers/create` is sent. */
export interface NewContainer {
  name: string
  body: {
    HostConfig: Record<string, unknown>
    NetworkingConfig: { EndpointsConfig: Record<string, { Aliases: string[] }> }
    [setting: string]: unknown
  }
}

/**
 * Another container of a service's, as Compose itself would make it: the same settings, labels, networks and
 * aliases, and a number and a name of its own.
 *
 * @param template a container of the service
 * @param number the new one's, from 1
 */
export function copyContainer(template: InspectedContainer, number: number): NewContainer {
  const { Hostname, Labels, ...settings } = template.Config
  const { [REPLACES]: _, ...labels } = Labels ?? {}
  const ownId = template.Id.slice(0, 12)
  const aliases = (given: string[] | null | undefined, own: string) =>
    (given ?? []).filter((alias) => alias !== ownId && alias !== own)
  const ownName = template.Name.replace(/^\//, '')
  return {
    name: nameOfNumber(ownName, number),
    body: {
      ...settings,
      // Docker gives a container its own id as its host name, unless told otherwise.
      ...(Hostname !== ownId && { Hostname }),
      Labels: { ...labels, [NUMBER]: String(number) },
      HostConfig: template.HostConfig,
      NetworkingConfig: {
        EndpointsConfig: Object.fromEntries(
          Object.entries(template.NetworkSettings.Networks).map(([network, { Aliases }]) => [
            network,
            { Aliases: aliases(Aliases, ownName) },
          ]),
        ),
      },
    },
  }
}

/** The name of the container of that number: `project-worker-3`, or `project_worker_3` of the older Compose. */
export function nameOfNumber(sibling: string, number: number): string {
  return `${sibling.replace(/\d+$/, '')}${number}`
}

/** The number in such a name; null when there is none. */
export function numberOfName(name: string): number | null {
  const digits = /[-_]([1-9]\d{0,3})$/.exec(name)?.[1]
  return digits === undefined ? null : Number(digits)
}
