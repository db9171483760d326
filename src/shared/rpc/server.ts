import { Server, ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js'
import { CHANNEL_OPTIONS } from './load.ts'

/** Bytes of one message that a server receives, at most: a worker of ours sends no more than 8 MiB. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024
/** Calls that one connection may have open; further ones wait at the caller. */
export const MAX_CALLS_PER_CONNECTION = 256
/** ms without a call after which a connection is closed. */
const IDLE_MS = 300_000

/** A gRPC server as every service of ours starts it: bounded in what it receives, and without compression. */
export function createGrpcServer(): Server {
  return new Server({
    ...CHANNEL_OPTIONS,
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_concurrent_streams': MAX_CALLS_PER_CONNECTION,
    'grpc.max_connection_idle_ms': IDLE_MS,
    interceptors: [refuseCompressed],
  })
}

/**
 * Refuses calls that are compressed, before anything of them is read. A few kilobytes of gzip become as many
 * megabytes in memory, and several messages of one frame are expanded at once.
 */
const refuseCompressed: ServerInterceptor = (_method, call) => {
  // The library takes the header away before interceptors see it, and keeps what it said in this field alone.
  const { incomingEncoding } = call as unknown as { incomingEncoding: string }
  if (incomingEncoding === 'identity') return new ServerInterceptingCall(call)
  return new ServerInterceptingCall(call, {
    start() {
      call.sendStatus({
        code: status.UNIMPLEMENTED,
        details: `messages compressed by ${incomingEncoding} are not accepted: send them as they are`,
      })
    },
  })
}
