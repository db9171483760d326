import { createApp } from './app.ts'
import { websocket } from './rest/socket.ts'
import type { Services } from './services.ts'

export interface Server {
  port: number
  /** Takes no more connections, ends streams and waits for the requests in flight, at most `limitMs`. */
  stop(limitMs: number): Promise<void>
}

export interface ServerOptions {
  host: string
  /** 0 means any free one. */
  port: number
}

/** Serves the application. @throws EADDRINUSE when the port is taken */
export function startServer(services: Services, { host, port }: ServerOptions): Server {
  const app = createApp(services)
  const server = Bun.serve({
    hostname: host,
    port,
    // Seconds without a byte before a connection is cut; streams are exempt.
    idleTimeout: 60,
    // Bun's own refusal would have no body. Ours has, and reads nothing beyond the limit of each route.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request, bun) => app.fetch(request, { server: bun }),
    websocket,
  })

  return {
    port: server.port ?? port,
    async stop(limitMs) {
      void server.stop()
      await Promise.all([services.dashboard.stop(), services.feed.stop(), services.taskLogs.stop()])
      const until = performance.now() + limitMs
      while (server.pendingRequests > 0 && performance.now() < until) await Bun.sleep(10)
      await services.tasks.close()
      await server.stop(true)
    },
  }
}
