// Runs in the page that `bun run bench --dashboard` measures, before any script of the page's own.
;(() => {
  const frames = []
  const longTasks = []
  const latencies = []
  /** Events that came in and were not seen in the picture yet: by attempt, when they happened. */
  const awaited = new Map()
  /** One message of so many is followed to the picture: following costs the page time. */
  const FOLLOWED = 10
  /** ms that may be between an event and its being drawn; longer than that is as long as that. */
  const FOLLOWED_MS = 5000
  let open = 0
  let mostOpen = 0
  let messages = 0
  let before = performance.now()

  const loop = (now) => {
    requestAnimationFrame(loop)
    frames.push(now - before)
    before = now
    if (awaited.size === 0 || !window.taskmasterLanes) return
    // This runs before the page draws: what is there now was drawn a frame ago at the latest.
    const shown = new Map(
      window.taskmasterLanes(FOLLOWED_MS).map((bar) => [`${bar.taskId}#${bar.attempt}`, bar]),
    )
    const wallNow = Date.now()
    for (const [key, { at, isEnd }] of awaited) {
      const bar = shown.get(key)
      if (bar && (isEnd ? bar.outcome !== 'none' : Number.isFinite(bar.started))) {
        latencies.push(wallNow - at)
        awaited.delete(key)
      } else if (wallNow - at > FOLLOWED_MS) {
        latencies.push(FOLLOWED_MS)
        awaited.delete(key)
      }
    }
  }
  requestAnimationFrame(loop)

  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) longTasks.push({ startTime, duration })
  }).observe({ type: 'longtask', buffered: true })

  const Native = window.EventSource
  window.EventSource = class extends Native {
    constructor(...args) {
      super(...args)
      mostOpen = Math.max(mostOpen, ++open)
      this.addEventListener('message', ({ data }) => {
        if (++messages % FOLLOWED !== 0) return
        const message = JSON.parse(data)
        if (message.type !== 'delta') return
        for (const { taskId, attempt, startedAt, endedAt } of message.spans) {
          const at = endedAt ?? startedAt
          if (at !== null && startedAt !== null)
            awaited.set(`${taskId}#${attempt}`, { at, isEnd: endedAt !== null })
        }
      })
    }
    close() {
      if (this.readyState !== Native.CLOSED) open--
      super.close()
    }
  }

  /** All since the last time that this was asked. */
  window.takeRecord = () => ({
    frames: frames.splice(0),
    longTasks: longTasks.splice(0),
    latencies: latencies.splice(0),
    nodes: document.querySelectorAll('*').length,
    mostOpen,
    at: performance.now(),
  })
})()
