/** Which of the tasks that could be claimed are claimed, where queues have limits and keys take turns. */

export interface Candidate {
  id: string
  lane: string
  queue: string
  priority: number
  /** ms it has been due. */
  waitedMs: number
  /** Null: it takes no turns with others. */
  key: string | null
}

export interface Limits {
  /** Places in all. */
  places: number
  /** Places that go first to what has been due for `ageingMs`, whatever its priority. */
  agedPlaces: number
  /** Null: nothing ages. */
  ageingMs: number | null
  /** How many more of a queue may be claimed; Infinity where nothing is said. */
  roomOf(queue: string): number
  /** How many more of a key of a queue may be claimed. */
  keyRoomOf(queue: string, key: string): number
}

type Stream = { waiting: Candidate[]; next: number }

/**
 * Chooses in this order: by priority, then by how long it has been due; the last places by the time alone. What has a
 * key stands in one line per lane, in which the keys take turns in the order in which they are given: of each its
 * first, then of each its second. No queue and no key is given more than its room.
 *
 * @param candidates those of one lane and priority, or of one lane and key, in the order in which they are to run
 */
export function takeTurns<One extends Candidate>(candidates: One[], limits: Limits): One[] {
  const { places, agedPlaces, ageingMs, roomOf, keyRoomOf } = limits
  const streams = streamsOf(candidates)
  const taken = new Map<string, number>()
  const takenOf = (name: string) => taken.get(name) ?? 0
  const count = (name: string) => taken.set(name, takenOf(name) + 1)
  const keyName = ({ queue, key }: Candidate) => `${queue}/${key}`

  /** The next that its key has room for; null when there is none, or its queue is full. */
  function head(stream: Stream): Candidate | null {
    for (; stream.next < stream.waiting.length; stream.next++) {
      const one = stream.waiting[stream.next] as Candidate
      if (takenOf(one.queue) >= roomOf(one.queue)) return null
      if (one.key === null || takenOf(keyName(one)) < keyRoomOf(one.queue, one.key)) return one
    }
    return null
  }

  const chosen: Candidate[] = []
  while (chosen.length < places) {
    const agedAfterMs = chosen.length >= places - agedPlaces ? ageingMs : null
    let best: { stream: Stream; one: Candidate } | null = null
    for (const stream of streams) {
      const next = head(stream)
      const one = next && (agedAfterMs === null ? next : longestDue(stream, next, agedAfterMs))
      if (one && (!best || isBefore(one, best.one, agedAfterMs))) best = { stream, one }
    }
    if (!best) break
    takeFrom(best.stream, best.one)
    best.stream.next++
    count(best.one.queue)
    if (best.one.key !== null) count(keyName(best.one))
    chosen.push(best.one)
  }
  return chosen as One[]
}

/**
 * Of the key whose turn it is what has been due the longest, when that has aged: of one key the higher priorities
 * would pass the others by for ever. Without keys a line has one priority.
 */
function longestDue({ waiting, next }: Stream, head: Candidate, ageingMs: number): Candidate {
  if (head.key === null) return head
  let longest = head
  for (const one of waiting.slice(next))
    if (one.key === head.key && one.waitedMs > longest.waitedMs) longest = one
  return longest.waitedMs >= ageingMs ? longest : head
}

/** What is taken out of its turn has the turn of its key; the one whose turn it was has the other's. */
function takeFrom({ waiting, next }: Stream, one: Candidate): void {
  const place = waiting.indexOf(one, next)
  waiting[place] = waiting[next] as Candidate
  waiting[next] = one
}

/** @param ageingMs null: the priority decides */
function isBefore(one: Candidate, other: Candidate, ageingMs: number | null): boolean {
  if (ageingMs !== null && Math.max(one.waitedMs, other.waitedMs) >= ageingMs) {
    return one.waitedMs > other.waitedMs
  }
  return one.priority > other.priority || (one.priority === other.priority && one.waitedMs > other.waitedMs)
}

function streamsOf(candidates: Candidate[]): Stream[] {
  const unkeyed = Map.groupBy(
    candidates.filter(({ key }) => key === null),
    ({ lane, priority }) => `${lane}/${priority}`,
  )
  const keyed = Map.groupBy(
    candidates.filter(({ key }) => key !== null),
    ({ lane }) => lane,
  )
  const lines = [...unkeyed.values(), ...[...keyed.values()].map(inTurns)]
  return lines.map((waiting) => ({ waiting, next: 0 }))
}

/** Of each key its first, in the order in which the keys appear, then of each its second. */
function inTurns(candidates: Candidate[]): Candidate[] {
  const keys = [...Map.groupBy(candidates, ({ key }) => key).values()]
  const rounds = Math.max(0, ...keys.map(({ length }) => length))
  return Array.from({ length: rounds }, (_, round) => keys.flatMap((own) => own[round] ?? [])).flat()
}
