import { createTRPCClient, httpBatchLink, httpSubscriptionLink, splitLink } from '@trpc/client'
import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server'
import type { AppRouter } from '../../src/scheduler/trpc.ts'
import { parseExact } from '../../src/shared/core/exact-json.ts'

/** The scheduler's procedures; its types come from the server itself. */
export const api = createTRPCClient<AppRouter>({
  links: [
    splitLink({
      condition: (operation) => operation.type === 'subscription',
      true: httpSubscriptionLink({ url: '/trpc' }),
      false: httpBatchLink({ url: '/trpc', maxURLLength: 4000, fetch: fetchExact as never }),
    }),
  ],
})

/** Answers are read with all the digits of their numbers. */
async function fetchExact(url: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init)
  const json = async () => parseExact(await response.text())
  return Object.defineProperty(response, 'json', { value: json })
}

type Outputs = inferRouterOutputs<AppRouter>
export type Inputs = inferRouterInputs<AppRouter>

export type TaskRow = Outputs['tasks']['list']['tasks'][number]
export type TaskDetail = Outputs['tasks']['get']
export type Attempt = TaskDetail['attempts'][number]
export type WorkflowGraph = Outputs['workflows']['get']
export type Schedule = Outputs['schedules']['get']
export type Tick = Outputs['schedules']['ticks']['ticks'][number]
export type Queue = Outputs['queues']['get']
export type Worker = Outputs['workers']['list'][number]

export type LiveMessage =
  Outputs['dashboard']['live'] extends AsyncIterable<{ data: infer Message }> ? Message : never
export type Snap = Extract<LiveMessage, { type: 'snap' }>
export type Delta = Extract<LiveMessage, { type: 'delta' }>
export type HealthView = LiveMessage['health']
export type Span = Snap['spans'][number]
export type LiveWorker = Snap['workers'][number]
export type Buckets = Snap['buckets'][number]
export type FeedEvent = Snap['log'][number]
export type Counts = Snap['counts']
export type TaskState = keyof Counts
