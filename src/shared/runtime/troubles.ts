import type { Log } from '../log.ts'

/** A condition that keeps a service from doing its work, in words for people. */
export interface Trouble {
  /** Which kind of trouble; one of a closed set of names in the code, never a caller's text. */
  key: string
  message: string
  /** What the other side called it, such as an SQLSTATE. */
  code?: string
  /** How many things wait until it is over, such as reports that could not be stored. */
  waiting?: number
  /** Epoch ms of its first `raise`. */
  since: number
}

export type TroubleDetails = Omit<Trouble, 'key' | 'since'>

export interface Troubles {
  /** Says that a trouble is there. One that already is keeps its `since` and takes the new words and figures. */
  raise(key: string, details: TroubleDetails): void
  /** Says that a trouble is over; nothing happens when it was not there. */
  resolve(key: string): void
  /** Lists what is there now, the longest first. */
  list(): Trouble[]
  /**
   * Calls back whenever a trouble begins, has another cause (its code) or ends, and not when only its words or figures
   * change.
   *
   * @returns what ends the subscription
   */
  onChange(listener: (change: TroubleChange) => void): () => void
}

export interface TroubleChange {
  type: 'began' | 'changed' | 'ended'
  trouble: Trouble
}

/** The keys are a closed set, so this is never reached; a mistake in a key must not become a leak. */
const MAX_TROUBLES = 64
const MAX_MESSAGE_CHARS = 500

/** Logs when a trouble begins, when its cause becomes another, and when it ends. */
export function logTroubles(troubles: Troubles, log: Log): void {
  troubles.onChange(({ type, trouble: { key, message, code, waiting, since } }) => {
    if (type === 'ended') log.info({ trouble: key, lastedMs: Date.now() - since }, `Over: ${message}`)
    else log.warn({ trouble: key, code, waiting }, message)
  })
}

/** Creates the record of what keeps one service from its work: written where it is noticed, read by whoever asks. */
export function createTroubles(now: () => number = Date.now): Troubles {
  const troubles = new Map<string, Trouble>()
  const listeners = new Set<(change: TroubleChange) => void>()
  const tell = (change: TroubleChange) => {
    for (const listener of listeners) listener(change)
  }

  return {
    raise(key, { message, code, waiting }) {
      const known = troubles.get(key)
      if (!known && troubles.size >= MAX_TROUBLES) return
      const trouble: Trouble = {
        key,
        message: message.slice(0, MAX_MESSAGE_CHARS),
        ...(code !== undefined && { code }),
        ...(waiting !== undefined && { waiting }),
        since: known?.since ?? now(),
      }
      troubles.set(key, trouble)
      if (!known) tell({ type: 'began', trouble })
      else if (known.code !== trouble.code) tell({ type: 'changed', trouble })
    },
    resolve(key) {
      const trouble = troubles.get(key)
      if (!trouble) return
      troubles.delete(key)
      tell({ type: 'ended', trouble })
    },
    list: () => [...troubles.values()].sort((a, b) => a.since - b.since),
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
