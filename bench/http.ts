export interface HttpResult {
  batchInsertPerSecond: number
  singleInsertPerSecond: number
}

async function post(url: string, body: object): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  await response.json()
}

/** Submissions over HTTP, due in an hour so that nothing else happens: batches of 1,000, and one by one. */
export async function measureHttp(url: string, count: number): Promise<HttpResult> {
  const batches = async () => {
    const startedAt = performance.now()
    let left = count / 1000
    const worker = async () => {
      while (left-- > 0) {
        await post(`${url}/api/schedule/batch`, { command: 'bench', count: 1000, delay_seconds: 3600 })
      }
    }
    await Promise.all([worker(), worker(), worker(), worker()])
    return (count / (performance.now() - startedAt)) * 1000
  }
  const singles = async () => {
    const total = 5000
    let left = total
    const at = new Date(Date.now() + 3_600_000).toISOString()
    const startedAt = performance.now()
    const worker = async () => {
      while (left-- > 0) await post(`${url}/api/schedule`, { command: 'bench', scheduled_at: at })
    }
    await Promise.all(Array.from({ length: 64 }, worker))
    return (total / (performance.now() - startedAt)) * 1000
  }
  return {
    batchInsertPerSecond: Math.round(await batches()),
    singleInsertPerSecond: Math.round(await singles()),
  }
}
