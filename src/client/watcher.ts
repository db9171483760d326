/** What is heard of a task: an event, or null when events may have been missed and it must be asked for. */
export type Heard<Event> = (event: Event | null) => void

export interface WatcherOptions<Event> {
  /** Follows these tasks; how each stands must be told at once. Returns what ends it. */
  subscribe(taskIds: string[], on: { event(event: Event): void; broken(): void }): () => void
  taskOf(event: Event): string | null
  /** Subscriptions at once: a browser has six connections to a server for all of its tabs. */
  maxStreams: number
  /** Tasks in one subscription. */
  maxTasks: number
  /** ms between two questions about those that are in no subscription, and before a broken one is opened anew. */
  pauseMs: number
}

export interface Watcher<Event> {
  /** Tells of a task until the function that is returned is called. */
  watch(taskId: string, heard: Heard<Event>): () => void
  close(): void
}

interface Entry<Event> {
  taskId: string
  heard: Heard<Event>
}

interface Group<Event> {
  entries: Set<Entry<Event>>
  close(): void
}

/**
 * Watches many tasks over few subscriptions. Those asked for together share one; when there are as many as there
 * may be, the smallest is opened anew with those that wait; what fits into none is asked for now and then.
 */
export function createWatcher<Event>(options: WatcherOptions<Event>): Watcher<Event> {
  const groups = new Set<Group<Event>>()
  let waiting = new Set<Entry<Event>>()
  let gathering: ReturnType<typeof setTimeout> | undefined
  let asking: ReturnType<typeof setTimeout> | undefined
  let closed = false

  function gather(ms: number) {
    if (!closed) gathering ??= setTimeout(place, ms)
  }

  function place() {
    gathering = undefined
    while (waiting.size > 0) {
      if (groups.size >= options.maxStreams) {
        const [smallest] = [...groups].sort((a, b) => a.entries.size - b.entries.size)
        if (!smallest || smallest.entries.size >= options.maxTasks) break
        dissolve(smallest)
      }
      const entries = new Set([...waiting].slice(0, options.maxTasks))
      for (const entry of entries) waiting.delete(entry)
      groups.add(open(entries))
    }
    if (waiting.size > 0) asking ??= setTimeout(ask, options.pauseMs)
  }

  function ask() {
    asking = undefined
    for (const { heard } of [...waiting]) heard(null)
    if (!closed) place()
  }

  function dissolve(group: Group<Event>) {
    groups.delete(group)
    group.close()
    waiting = new Set([...group.entries, ...waiting])
  }

  function open(entries: Set<Entry<Event>>): Group<Event> {
    let isOpen = true
    const stop = options.subscribe([...new Set([...entries].map(({ taskId }) => taskId))], {
      event(event) {
        if (!isOpen) return
        const taskId = options.taskOf(event)
        for (const entry of [...entries]) {
          if (taskId === null) entry.heard(null)
          else if (entry.taskId === taskId) entry.heard(event)
        }
      },
      broken() {
        if (!isOpen) return
        dissolve(group)
        for (const { heard } of [...entries]) heard(null)
        gather(options.pauseMs)
      },
    })
    const group: Group<Event> = {
      entries,
      close() {
        isOpen = false
        stop()
      },
    }
    return group
  }

  return {
    watch(taskId, heard) {
      const entry = { taskId, heard }
      waiting.add(entry)
      gather(0)
      return () => {
        waiting.delete(entry)
        for (const group of groups) {
          if (!group.entries.delete(entry) || group.entries.size > 0) continue
          groups.delete(group)
          group.close()
          if (waiting.size > 0) gather(0)
        }
      }
    },
    close() {
      closed = true
      clearTimeout(gathering)
      clearTimeout(asking)
      for (const group of groups) group.close()
      groups.clear()
      waiting.clear()
    },
  }
}
