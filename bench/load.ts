import { post } from './http.ts'

/** Requests on their way at once; what is due beyond that is sent late. */
const MOST_AT_ONCE = 256
const PAUSE_MS = 2

export interface LoadOptions {
  /** Of the schedulers, which take turns. */
  urls: readonly string[]
  perSecond: number
  /** Resolves when it is over. */
  until: Promise<unknown>
  /** What each task has; instantaneous by default. */
  body?: object
  /** Told of each task that was accepted: when its request was sent, and ms until the answer. */
  onAccepted?: (id: string, sentAt: number, tookMs: number) => void
}

/**
 * Submits tasks one by one over HTTP, evenly.
 *
 * @returns how many were accepted
 * @throws the first error of a request
 */
export async function submitSteadily(options: LoadOptions): Promise<number> {
  const { urls, perSecond, until, body = { payload: { duration_ms: 0 } }, onAccepted } = options
  let over = false
  until.finally(() => {
    over = true
  })
  let sent = 0
  let accepted = 0
  let failure: unknown
  const open = new Set<Promise<void>>()
  const submit = async (url: string) => {
    const sentAt = epochMs()
    const { task_id: id } = await post<{ task_id: string }>(`${url}/api/schedule`, {
      command: 'bench',
      scheduled_at: new Date(sentAt).toISOString(),
      ...body,
    })
    accepted++
    onAccepted?.(id, sentAt, epochMs() - sentAt)
  }
  const startedAt = performance.now()
  while (!over && !failure) {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * perSecond)
    while (sent < due && open.size < MOST_AT_ONCE) {
      const request: Promise<void> = submit(urls[sent++ % urls.length] ?? '')
        .catch((error) => {
          failure ??= error
        })
        .finally(() => open.delete(request))
      open.add(request)
    }
    await Bun.sleep(PAUSE_MS)
  }
  await Promise.all(open)
  if (failure) throw failure
  return accepted
}

/** By the clock that executors write. */
export const epochMs = () => performance.timeOrigin + performance.now()
