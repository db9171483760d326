import type { ServerWebSocket } from 'bun'
import type { Context } from 'hono'
import { websocket as honoSocket, upgradeWebSocket } from 'hono/bun'
import type { WSContext } from 'hono/ws'
import { AppError } from '../../shared/core/error.ts'
import { tellFailure } from '../failure.ts'
import type { Follower } from '../feed/feed.ts'
import { parse, socketInput } from '../schemas.ts'
import type { Services } from '../services.ts'
import { refuseRemoteSites } from './origin.ts'
import { type Env, Refusal, type Route } from './route.ts'

const CHUNK = 500
/** Bytes that may wait in a socket before we wait for it. */
const MAX_BUFFERED = 1024 * 1024

type Socket = ServerWebSocket<{ events: unknown }>

/** What to do when a socket has room again. */
const onDrain = new WeakMap<object, () => void>()

/** The WebSocket half of `Bun.serve`. */
export const websocket = {
  ...honoSocket,
  maxPayloadLength: 64 * 1024,
  drain(socket: object) {
    onDrain.get(socket)?.()
  },
}

/** Events as they come; `{"subscribe": {"task_id": "…"}}` narrows them to that task, and to others so named. */
async function socket(c: Context<Env>, services: Services): Promise<Response> {
  if (c.req.header('upgrade')?.toLowerCase() !== 'websocket' || !c.env.server) {
    throw new Refusal(426, 'this is a WebSocket', { Upgrade: 'websocket' })
  }
  refuseRemoteSites(c.req.raw, 'WebSockets are not open to other sites')
  const follower = services.feed.follow('live')
  const upgrade = upgradeWebSocket(() => ({
    onOpen: (_, ws) => void send(follower, ws),
    onMessage: ({ data }, ws) => void listen(data, ws, follower, services),
    onClose: (_, ws) => {
      follower.close()
      onDrain.get(ws.raw as Socket)?.()
    },
  }))
  const answer = await upgrade(c, async () => {})
  if (answer) return answer
  follower.close()
  throw new Refusal(400, 'the WebSocket handshake failed')
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
    while (raw.readyState === WebSocket.OPEN && raw.getBufferedAmount() > MAX_BUFFERED) {
      await new Promise<void>((resolve) => onDrain.set(raw, resolve))
    }
  }
}

async function listen(data: unknown, ws: WSContext, follower: Follower, { tasks, log }: Services) {
  try {
    const { subscribe } = parse(socketInput, readMessage(data))
    if (!subscribe.task_id) return follower.widen()
    const { id } = await tasks.get(subscribe.task_id)
    follower.narrow(id)
  } catch (error) {
    ws.send(JSON.stringify(tellFailure(error, log)))
  }
}

function readMessage(data: unknown): unknown {
  try {
    return JSON.parse(String(data))
  } catch {
    throw new AppError('invalid', 'a message must be JSON')
  }
}

export const socketRoutes: Route[] = [{ method: 'GET', path: '/ws', handle: socket, endless: true }]
