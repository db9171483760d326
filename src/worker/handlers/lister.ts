import { loadHandlers } from './load.ts'
import { serveTaskModule } from './module.ts'

// A thread that looks which handlers there are and ends: what they load stays out of the worker's own thread.
declare const self: Worker

export type Listed = { names: string[] } | { error: string }

self.onmessage = async ({ data }: MessageEvent<string>) => {
  serveTaskModule()
  const listed: Listed = await loadHandlers(data).then(
    (handlers) => ({ names: [...handlers.keys()] }),
    (error: Error) => ({ error: error.message }),
  )
  self.postMessage(listed)
}
