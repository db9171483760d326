import type { Span } from '../api.ts'

/** A task that was taken from its worker, lost with it or handed back by it, and goes on elsewhere. */
export interface Move {
  taskId: string
  from: number
  /** Null while no other worker has it. */
  to: number | null
  /** The attempt that goes on; before that, the one that was taken back. */
  attempt: number
  lostAt: number
  /** Whether it had been running there: then that attempt is lost, else it cost nothing. */
  hadStarted: boolean
  outcome: Span['outcome']
  startedAt: number | null
}

export interface Moves {
  put(span: Span): void
  /** Newest losses first. */
  list(): Move[]
}

const KEPT = 200

/** Follows what was lost to where it goes on, whatever the order in which the two are told. */
export function createMoves(): Moves {
  const moves = new Map<string, Move>()
  /** Attempts beyond the first, which may be told before the loss of the one before them. */
  const later = new Map<string, Span>()

  function follow(move: Move, span: Span) {
    if (span.attempt <= move.attempt && span.workerId !== move.to) return
    // A new object, so that who shows it sees that it is another.
    moves.set(move.taskId, {
      ...move,
      to: span.workerId,
      attempt: span.attempt,
      outcome: span.outcome,
      startedAt: span.startedAt,
    })
  }

  function giveUp(span: Span) {
    const known = moves.get(span.taskId)
    const isLoss = span.outcome === 'lost'
    if (known && known.attempt > span.attempt && (known.hadStarted || !isLoss)) return
    const isNew = !known || isLoss
    const further = known && known.attempt > span.attempt ? known : null
    const move: Move = {
      taskId: span.taskId,
      // What is handed back on its way still comes from where it was lost.
      from: isNew ? span.workerId : known.from,
      lostAt: isNew ? (span.endedAt ?? 0) : known.lostAt,
      hadStarted: isLoss || (known?.hadStarted ?? false),
      to: further?.to ?? null,
      attempt: further?.attempt ?? span.attempt,
      outcome: further ? further.outcome : span.outcome,
      startedAt: further?.startedAt ?? null,
    }
    if (isNew) moves.delete(span.taskId)
    moves.set(span.taskId, move)
    const successor = later.get(span.taskId)
    if (successor) follow(move, successor)
    trim(moves)
  }

  return {
    put(span) {
      if (span.outcome === 'lost' || span.outcome === 'returned') return giveUp(span)
      const move = moves.get(span.taskId)
      if (move) follow(move, span)
      else if (span.attempt > 1) {
        later.delete(span.taskId)
        later.set(span.taskId, span)
        trim(later)
      }
    },
    list: () => [...moves.values()].reverse(),
  }
}

function trim(map: Map<string, unknown>) {
  for (const key of map.keys()) {
    if (map.size <= KEPT) return
    map.delete(key)
  }
}
