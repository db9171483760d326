import type { ErrorCode } from './core/error.ts'

/** A name of a container, a service, a project or a pod: nothing that a path or a shell would read otherwise. */
export const SAFE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/

/** More workers than this are not for one fleet to start on request. */
export const MAX_WORKERS = 50

/** What a scheduler asks of the launcher that started it, over the processes' IPC channel. */
export interface FleetRequest {
  id: number
  ask: { scale: number } | { kill: string }
}

/** The launcher's answer to the request of that id. `command` is how a person would do the same. */
export type FleetReply =
  | { id: number; ok: true; command: string }
  | { id: number; ok: false; code: ErrorCode; error: string }
