import type { ServerWebSocket } from 'bun'
import type { Context } from 'hono'
import { websocket as honoSocket, upgradeWebSocket } from 'hono/bun'
import type { WSContext } from 'hono/ws'
import { AppError } from '../../shared/core/error.ts'
import { tellFailure } from '../failure.ts'
import { type Follower, MAX_NARROWED, tooManyTasks } from '../feed/feed.ts'
import { parse, socketInput } from '../schemas.ts'
import type { Services } from '../services.ts'
import { callerOf } from '../streams.ts'
import { refuseRemoteSites } from './origin.ts'
import { type Env, Refusal, type Route } from './route.ts'

const CHUNK = 500
/** Bytes that may wait in a socket before we wait for it. */
const MAX_BUFFERED = 1024 * 1024
/** Messages of one client that may wait for those before them. */
const MAX_WAITING = 256
const MAX_WAITING_CHARACTERS = 256 * 1024

type Socket = ServerWebSocket<{ events: unknown }>

/** Those that wait until a socket has room again, or is closed. */
const drains = new WeakMap<object, PromiseWithResolvers<void>>()

function release(socket: object) {
  drains.get(socket)?.resolve()
  drains.delete(socket)
}

/** The WebSocket half of `Bun.serve`. */
export const websocket = {
  ...honoSocket,
  maxPayloadLength: 64 * 1024,
  backpressureLimit: 4 * MAX_BUFFERED,
  closeOnBackpressureLimit: true,
  drain: release,
}

/** Events as they come; `{"subscribe": {"task_id": "…"}}` narrows them to that task, and to others so named. */
async function socket(c: Context<Env>, services: Services): Promise<Response> {
  if (c.req.header('upgrade')?.toLowerCase() !== 'websocket' || !c.env.server) {
    throw new Refusal(426, 'this is a WebSocket', { Upgrade: 'websocket' })
  }
  refuseRemoteSites(c.req.raw, services.origins, 'WebSockets are not open to other sites')
  const close = services.streams.open(callerOf(c.req.raw, c.env.server))
  try {
    const follower = services.feed.follow('live')
    const listener = createListener(follower, services)
    const upgrade = upgradeWebSocket(() => ({
      onOpen: (_, ws) => void send(follower, ws),
      onMessage: ({ data }, ws) => listener.hear(String(data), ws),
      onClose: (_, ws) => {
        close()
        follower.close()
        release(ws.raw as Socket)
      },
    }))
    const answer = await upgrade(c, async () => {})
    if (answer) return answer
    follower.close()
    throw new Refusal(400, 'the WebSocket handshake failed')
  } catch (error) {
    close()
    throw error
  }
}

async function send(follower: Follower, ws: WSContext) {
  const raw = ws.raw as Socket
  for (;;) {
    const entries = await follower.take(CHUNK)
    if (!entries) return ws.close(1001, 'the server is stopping')
    for (const entry of entries) {
      if (raw.readyState !== WebSocket.OPEN) return
      raw.send(entry.json())
    }
    await hasRoom(raw)
  }
}

async function hasRoom(raw: Socket) {
  while (raw.readyState === WebSocket.OPEN && raw.getBufferedAmount() > MAX_BUFFERED) {
    const waiting = drains.get(raw) ?? Promise.withResolvers<void>()
    drains.set(raw, waiting)
    await waiting.promise
  }
}

/** Does what a client says, one message after the other; one that says much more than is done is let go. */
function createListener(follower: Follower, { tasks, log }: Services) {
  const subscribed = new Set<string>()
  let waiting: string[] = []
  let characters = 0
  let isBusy = false

  async function listen(message: string) {
    const { subscribe } = parse(socketInput, readMessage(message))
    if (!subscribe.task_id) {
      subscribed.clear()
      return follower.widen()
    }
    const taskId = subscribe.task_id.toLowerCase()
    // What is known already, or too much, costs no query.
    if (subscribed.has(taskId)) return
    if (subscribed.size >= MAX_NARROWED) throw tooManyTasks()
    const { id } = await tasks.get(taskId)
    subscribed.add(id)
    follower.narrow(id)
  }

  async function work(ws: WSContext) {
    isBusy = true
    const raw = ws.raw as Socket
    for (;;) {
      const message = waiting.shift()
      if (message === undefined || raw.readyState !== WebSocket.OPEN) break
      characters -= message.length
      try {
        await listen(message)
      } catch (error) {
        ws.send(JSON.stringify(tellFailure(error, log)))
        await hasRoom(raw)
      }
    }
    isBusy = false
  }

  return {
    hear(message: string, ws: WSContext) {
      if (waiting.length >= MAX_WAITING || characters + message.length > MAX_WAITING_CHARACTERS) {
        waiting = []
        return ws.close(1008, 'too many messages at once')
      }
      waiting.push(message)
      characters += message.length
      if (!isBusy) void work(ws)
    },
  }
}

function readMessage(data: unknown): unknown {
  try {
    return JSON.parse(String(data))
  } catch {
    throw new AppError('invalid', 'a message must be JSON')
  }
}

export const socketRoutes: Route[] = [{ method: 'GET', path: '/ws', handle: socket, endless: 'socket' }]
