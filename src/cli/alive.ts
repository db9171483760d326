/** Whether the service of this container answers, for Docker's health check: exit code 0 or 1. */
import { connect } from 'node:http2'
import { port, readSettings } from '../shared/settings.ts'

const LIMIT_MS = 3000
/** A gRPC message without a byte in it: the health of the server as a whole is asked. */
const EMPTY = Buffer.alloc(5)

/** A proxy from the environment does not stand before this machine. */
const DIRECT: object = { proxy: false }

const values = readSettings({ SCHEDULER_PORT: port(8081), COORDINATOR_PORT: port(8080) }, process.env)

const CHECKS: Record<string, () => Promise<boolean>> = {
  async scheduler() {
    const url = `http://127.0.0.1:${values.SCHEDULER_PORT}/healthz`
    return (await fetch(url, { ...DIRECT, signal: AbortSignal.timeout(LIMIT_MS) })).ok
  },

  // Loading the gRPC client would take ten times as long as asking.
  async coordinator() {
    const session = connect(`http://127.0.0.1:${values.COORDINATOR_PORT}`)
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    session.on('error', reject)
    const request = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    request.on('response', (headers) => {
      if (headers['grpc-status'] !== undefined) resolve(false)
    })
    request.on('trailers', (trailers) => resolve(trailers['grpc-status'] === '0'))
    request.on('error', reject)
    request.resume()
    request.end(EMPTY)
    return await promise
  },
}

const check = CHECKS[process.argv[2] ?? '']
if (!check) {
  console.error(`usage: alive.ts ${Object.keys(CHECKS).join('|')}`)
  process.exit(1)
}
setTimeout(() => process.exit(1), LIMIT_MS)
const isAlive = await check().catch((error: Error) => {
  console.error(error.message)
  return false
})
process.exit(isAlive ? 0 : 1)
