import { join } from 'node:path'

export type ServiceName = 'coordinator' | 'scheduler' | 'worker'

/** The line that a service logs when it is up. */
export const READY: Record<ServiceName, RegExp> = {
  coordinator: /^Starting gRPC server on/,
  scheduler: /^Starting scheduler server on/,
  worker: /^Connected to coordinator/,
}

/** The program of a service. */
export function entryOf(service: ServiceName): string {
  return join(import.meta.dir, '..', '..', service, 'main.ts')
}
