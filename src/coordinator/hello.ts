import { formatAddress, parseHost, readPeer } from '../shared/core/address.ts'
import { AppError } from '../shared/core/error.ts'
import { PLAIN } from '../shared/core/lane.ts'
import type { Hello__Output } from '../shared/rpc/gen/grpcapi/Hello.ts'
import type { WorkerIdentity } from '../shared/store/workers.ts'
import type { Offer } from './registry.ts'

/** What a worker may say of itself, at most. */
export const HELLO_LIMITS = {
  slots: 1024,
  /** Characters of its name, its address and its host's name. */
  text: 255,
  labels: 100,
  /** With each handler of its own. */
  executors: 2000,
  /** Characters of a label or an executor. */
  word: 255,
  /** Tasks that it holds; it is never given more than 1024. */
  held: 10_000,
} as const

const MAX_INT32 = 0x7fff_ffff

/**
 * Reads who a worker is and what it holds.
 *
 * @param peer where its stream comes from
 * @throws `invalid` naming the field that is wrong
 */
export function readHello(hello: Hello__Output, peer: string): { identity: WorkerIdentity; offer: Offer } {
  const { name, hostname, labels, executors, held } = hello
  const texts = { name, hostname, address: hello.address }
  for (const [field, text] of Object.entries(texts)) checkText(field, text, HELLO_LIMITS.text)
  for (const [field, words] of Object.entries({ labels, executors })) {
    const most = HELLO_LIMITS[field as 'labels' | 'executors']
    if (words.length > most) throw new AppError('invalid', `${field} must be at most ${most}`)
    for (const word of words) checkText(field, word, HELLO_LIMITS.word)
  }
  if (held.length > HELLO_LIMITS.held) {
    throw new AppError('invalid', `held must be at most ${HELLO_LIMITS.held} tasks`)
  }
  return {
    identity: {
      id: hello.worker_id,
      name,
      address: addressOf(hello.address, peer),
      link: 'stream',
      slots: Math.max(1, Math.min(hello.slots, HELLO_LIMITS.slots)),
      labels,
      executors: executors.length > 0 ? executors : PLAIN.executors,
      hostname,
      pid: Math.min(hello.pid, MAX_INT32),
    },
    offer: {
      greeting: hello.greeting,
      draining: hello.draining,
      tasks: held.map(({ task_id, attempt, started }) => ({ taskId: task_id, attempt, started })),
    },
  }
}

function checkText(field: string, text: string, most: number) {
  if (text.length > most || text.includes('\0')) {
    throw new AppError('invalid', `${field} must have at most ${most} characters and no NUL`)
  }
}

/** Where the worker is, as `host:port`. One that listens nowhere has the port of its own end of the stream. */
function addressOf(given: string, peer: string): string {
  const from = readPeer(peer)
  const { host, port } = parseHost(given) ?? { host: from?.host ?? '', port: null }
  return host && from ? formatAddress({ host, port: port ?? from.port }) : ''
}
