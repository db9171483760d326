export interface HttpResult {
  batchInsertPerSecond: number
  singleInsertPerSecond: number
}

const BATCH = 1000
const SINGLES_AT_ONCE = 64

/** @throws with the answer when that is no success */
export async function post<Answer>(url: string, body: object): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return (await response.json()) as Answer
}

/**
 * Submissions over HTTP, due in an hour so that nothing else happens: batches of 1,000, and one by one, 64 at once.
 *
 * @param count in batches
 * @param singles one by one
 */
export async function measureHttp(url: string, count: number, singles = 5000): Promise<HttpResult> {
  const timeBatches = async () => {
    const startedAt = performance.now()
    let left = count
    const worker = async () => {
      while (left > 0) {
        const size = Math.min(BATCH, left)
        left -= size
        await post(`${url}/api/schedule/batch`, { command: 'bench', count: size, delay_seconds: 3600 })
      }
    }
    await Promise.all([worker(), worker(), worker(), worker()])
    return (count / (performance.now() - startedAt)) * 1000
  }
  return {
    batchInsertPerSecond: Math.round(await timeBatches()),
    singleInsertPerSecond: await measureSingles([url], singles),
  }
}

/**
 * Submissions one by one, 64 at once, to these schedulers in turn.
 *
 * @param dueInMs an hour by default, so that nothing else happens
 * @returns how many in a second
 */
export async function measureSingles(
  urls: readonly string[],
  count: number,
  dueInMs = 3_600_000,
): Promise<number> {
  const at = new Date(Date.now() + dueInMs).toISOString()
  const task = { command: 'bench', scheduled_at: at, payload: { duration_ms: 0 } }
  let left = count
  const startedAt = performance.now()
  const client = async () => {
    while (left-- > 0) await post(`${urls[left % urls.length]}/api/schedule`, task)
  }
  await Promise.all(Array.from({ length: SINGLES_AT_ONCE }, client))
  return Math.round((count / (performance.now() - startedAt)) * 1000)
}
