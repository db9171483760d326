import type { ErrorCode } from './core/error.ts'

/** What a scheduler asks of the launcher that started it, over the processes' IPC channel. */
export interface FleetRequest {
  id: number
  ask: { scale: number } | { kill: string }
}

/** The launcher's answer to the request of that id. `command` is how a person would do the same. */
export type FleetReply =
  | { id: number; ok: true; command: string }
  | { id: number; ok: false; code: ErrorCode; error: string }
