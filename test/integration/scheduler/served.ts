import { afterAll } from 'bun:test'
import { type Server, startServer } from '../../../src/scheduler/server.ts'
import { waitFor } from '../../support/wait.ts'
import { createStand, type Stand, type StandOptions } from './stand.ts'

export interface Served extends Stand {
  server: Server
  url: string
}

const servers: Server[] = []

/** The scheduler behind a real socket, on any free port. */
export async function createServed(options: StandOptions = {}): Promise<Served> {
  const stand = await createStand(options)
  const server = startServer(stand.services, { host: '127.0.0.1', port: 0 })
  servers.push(server)
  return { ...stand, server, url: `http://127.0.0.1:${server.port}` }
}

export interface Stream {
  headers: Headers
  /** What has come, as it came. */
  text(): string
  /** The messages that have come, comments left out. */
  messages(): { id: number; data: ReturnType<typeof JSON.parse> }[]
  /** Whether the server ended it. */
  ended(): boolean
  close(): void
}

/** Reads an event stream as it comes. */
export async function openStream(url: string, headers: Record<string, string> = {}): Promise<Stream> {
  const abort = new AbortController()
  const response = await fetch(url, { headers, signal: abort.signal })
  const decoder = new TextDecoder()
  let text = ''
  let ended = false
  const read = async () => {
    for await (const chunk of response.body!) text += decoder.decode(chunk, { stream: true })
    ended = true
  }
  read().catch(() => {})
  return {
    headers: response.headers,
    text: () => text,
    ended: () => ended,
    messages: () =>
      text
        .split('\n\n')
        .slice(0, -1)
        .filter((message) => !message.startsWith(':'))
        .map((message) => {
          const [, id, data] = /^id: (\d+)\ndata: (.*)$/.exec(message) ?? []
          if (!id || !data) throw new Error(`no message of ours: ${message}`)
          return { id: Number(id), data: JSON.parse(data) }
        }),
    close: () => abort.abort(),
  }
}

/** The stream's messages, once there are so many. */
export function waitForMessages(stream: Stream, count: number) {
  return waitFor(
    () => {
      const messages = stream.messages()
      return messages.length >= count && messages
    },
    { what: `${count} messages` },
  )
}

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop(0)))
})
