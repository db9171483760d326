import { join } from 'node:path'

export type ServiceName = 'coordinator' | 'scheduler' | 'worker'

/** The line that a service logs when it is up. */
export const READY: Record<ServiceName, RegExp> = {
  coordinator: /^Starting gRPC server on/,
  scheduler: /^Starting scheduler server on/,
  worker: /^Connected to coordinator/,
}

/**
 * How Bun runs a service: its heap grows by at most what lives in it until the next full collection. Where there are 16 GiB
 * of memory or less that is so by itself; where there is more, it would grow by three times as much.
 */
export const RUNTIME = { BUN_JSC_heapGrowthMaxIncrease: '1' }

/** The program of a service. */
export function entryOf(service: ServiceName): string {
  return join(import.meta.dir, '..', '..', service, 'main.ts')
}
