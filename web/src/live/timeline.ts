/** What the timeline needs to know of a task; times are ISO 8601. */
export interface Told {
  scheduled_at: string
  created_at: string
  attempts: {
    attempt: number
    worker: string | null
    slot: number | null
    picked_at: string
    started_at: string | null
    ended_at: string | null
    outcome: string | null
    error: string | null
  }[]
}

/** A stretch of time, as parts (0 to 1) of the whole timeline. */
export interface Stretch {
  from: number
  to: number
  ms: number
}

export interface TimelineRow {
  attempt: number
  worker: string | null
  slot: number | null
  outcome: string | null
  error: string | null
  /** Until it was picked, since it was due or the attempt before it ended. */
  queued: Stretch | null
  /** In the worker, until it started. */
  waited: Stretch | null
  ran: Stretch | null
}

export interface Timeline {
  /** Epoch ms. */
  begin: number
  end: number
  rows: TimelineRow[]
}

/** All attempts on one scale, from when the task was due to its end, or to now while it goes on. */
export function createTimeline(task: Told, now: number): Timeline {
  const times = task.attempts.map((attempt) => ({
    ...attempt,
    picked: Date.parse(attempt.picked_at),
    started: attempt.started_at === null ? null : Date.parse(attempt.started_at),
    ended: attempt.ended_at === null ? null : Date.parse(attempt.ended_at),
  }))
  const due = Math.max(Date.parse(task.scheduled_at), Date.parse(task.created_at))
  const begin = Math.min(due, ...times.map(({ picked }) => picked))
  const end = Math.max(begin + 1, ...times.map(({ ended }) => ended ?? now), times.length === 0 ? now : 0)
  const part = (at: number) => Math.min(1, Math.max(0, (at - begin) / (end - begin)))
  const stretch = (from: number, to: number): Stretch | null =>
    to > from ? { from: part(from), to: part(to), ms: to - from } : null

  const rows = times.map((attempt, index) => {
    const free = index === 0 ? due : (times[index - 1]?.ended ?? due)
    const stop = attempt.ended ?? now
    return {
      attempt: attempt.attempt,
      worker: attempt.worker,
      slot: attempt.slot,
      outcome: attempt.outcome,
      error: attempt.error,
      queued: stretch(free, attempt.picked),
      waited: stretch(attempt.picked, attempt.started ?? stop),
      ran: attempt.started === null ? null : stretch(attempt.started, stop),
    }
  })
  return { begin, end, rows }
}
