import { createTRPCClient, httpBatchLink, httpSubscriptionLink, splitLink } from '@trpc/client'
import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server'
import { EventSource as Ponyfill } from 'eventsource'
import type { AppRouter } from '../scheduler/trpc.ts'
import { parseForCode } from '../shared/core/exact-json.ts'

export type Inputs = inferRouterInputs<AppRouter>
export type Outputs = inferRouterOutputs<AppRouter>
/** A task as the scheduler shows it; times are ISO 8601 or null. */
export type TaskView = Outputs['tasks']['list']['tasks'][number]
export type TaskDetailView = Outputs['tasks']['get']
export type Wire = ReturnType<typeof createWire>

/** As many calls as the scheduler takes in one request. */
const MAX_CALLS = 50
const MAX_URL = 8000
const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/i

/**
 * The scheduler's procedures, typed by the scheduler itself. Calls made together go in one request.
 *
 * @param url of the scheduler, such as http://localhost:8081
 * @param headers sent with every request
 */
export function createWire(url: string, headers: Record<string, string> = {}) {
  const trpc = `${url.replace(/\/+$/, '')}/trpc`
  // Bun would ask a proxy from the environment for this machine, too.
  const direct: object = LOOPBACK.test(URL.parse(url)?.hostname ?? '') ? { proxy: false } : {}
  const native = (globalThis as unknown as { EventSource?: typeof Ponyfill }).EventSource
  // A browser's own sends no headers of ours; other runtimes have none.
  const hasHeaders = Object.keys(headers).length > 0
  const subscriptions =
    native && !hasHeaders
      ? httpSubscriptionLink({ url: trpc, EventSource: native })
      : httpSubscriptionLink({
          url: trpc,
          EventSource: Ponyfill,
          eventSourceOptions: {
            fetch: (input, init) =>
              fetch(input, { ...init, ...direct, headers: { ...init.headers, ...headers } }),
          },
        })
  return createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: ({ type }) => type === 'subscription',
        true: subscriptions,
        false: httpBatchLink({
          ...{ url: trpc, headers, maxItems: MAX_CALLS, maxURLLength: MAX_URL },
          fetch: ((input: string, init?: RequestInit) =>
            fetchForCode(input, { ...init, ...direct })) as never,
        }),
      }),
    ],
  })
}

/** Answers are read so that a number that JavaScript would change is a string of its digits. */
async function fetchForCode(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init)
  const json = async () => parseForCode(await response.text())
  return Object.defineProperty(response, 'json', { value: json })
}
