import type { DatabaseTrouble } from './sqlstates.ts'

/** Every kind of fault, and what it does. */
export const FAULT_KINDS = {
  kill: 'ends a process at once',
  terminate: 'asks a process to end',
  freeze: 'stops a process for a while',
  reset: 'cuts the connections from one process to another',
  path: 'delays, stalls, swallows or refuses what goes from one process to another',
  postgres: 'restarts PostgreSQL, gently or as after a crash',
  listeners: 'ends the connections that listen',
  'database-errors': 'fails writes with an SQLSTATE of some class, or refuses the role or the database',
  'frozen-database': 'stops PostgreSQL and all its backends for longer than a lease',
  'notify-queue-full': 'fills the notification queue of PostgreSQL from another database',
  'idle-transaction': 'leaves a transaction open that holds back the horizon of VACUUM',
  'idle-connections': 'opens 300 idle connections, or so many that none is left',
  'restart-draining': 'asks workers and coordinators to end at the same moment',
} as const

export type FaultKind = keyof typeof FAULT_KINDS

/** The kinds that strike one process or one path, or that PostgreSQL recovers from by itself. */
export const LOCAL_KINDS = ['kill', 'terminate', 'freeze', 'reset', 'path', 'postgres', 'listeners'] as const
/** The kinds that concern the whole system, which has to keep all of its promises without a single loss. */
export const WIDE_KINDS = [
  'database-errors',
  'frozen-database',
  'notify-queue-full',
  'idle-transaction',
  'idle-connections',
  'restart-draining',
] as const

/** What a path does to what is sent along it; see proxy.ts. */
export type PathFault =
  | { kind: 'delay'; delayMs: number }
  | { kind: 'stall' }
  | { kind: 'hole' }
  | { kind: 'deaf' }
  | { kind: 'refuse' }

export type LocalFault =
  | { kind: 'kill'; process: string }
  | { kind: 'terminate'; process: string }
  | { kind: 'freeze'; process: string; forMs: number }
  | { kind: 'path'; path: string; forMs: number; fault: PathFault }
  | { kind: 'reset'; path: string }
  | { kind: 'postgres'; how: 'fast' | 'immediate' }
  | { kind: 'listeners' }

export type WideFault =
  | { kind: 'database-errors'; trouble: DatabaseTrouble; forMs: number }
  /** `slowMs`: the answers are so late for a moment before. */
  | { kind: 'frozen-database'; slowMs: number; forMs: number }
  | { kind: 'notify-queue-full'; forMs: number }
  | { kind: 'idle-transaction'; forMs: number }
  | { kind: 'idle-connections'; count: number; forMs: number }
  | { kind: 'restart-draining'; processes: string[] }

export type Fault = { atMs: number } & (LocalFault | WideFault)

/** For people: `hole worker-1>coordinator-2 for 1.2 s`. */
export function describeFault(fault: Fault): string {
  const forSeconds = 'forMs' in fault ? ` for ${(fault.forMs / 1000).toFixed(1)} s` : ''
  switch (fault.kind) {
    case 'kill':
    case 'terminate':
    case 'freeze':
      return `${fault.kind} ${fault.process}${forSeconds}`
    case 'reset':
      return `reset ${fault.path}`
    case 'path': {
      const what = fault.fault.kind === 'delay' ? `delay ${fault.fault.delayMs} ms` : fault.fault.kind
      return `${what} ${fault.path}${forSeconds}`
    }
    case 'postgres':
      return `restart postgres (${fault.how})`
    case 'listeners':
      return 'end the LISTEN connections'
    case 'database-errors':
      return `fail ${fault.trouble.what} with ${fault.trouble.sqlstate}${forSeconds}`
    case 'frozen-database':
      return `slow postgres down by ${fault.slowMs} ms, then freeze it${forSeconds}`
    case 'notify-queue-full':
      return `fill the notification queue${forSeconds}`
    case 'idle-transaction':
      return `leave a transaction open${forSeconds}`
    case 'idle-connections':
      return `open ${fault.count} idle connections${forSeconds}`
    case 'restart-draining':
      return `terminate ${fault.processes.join(', ')}`
  }
}
