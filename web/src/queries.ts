import { keepPreviousData, QueryClient } from '@tanstack/solid-query'
import { api, type Inputs } from './api.ts'
import { isInvalid, isNotFound } from './reason.ts'

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1000,
      refetchOnWindowFocus: true,
      retry: (failures, error) => failures < 2 && !isNotFound(error) && !isInvalid(error),
      retryDelay: (failures) => 300 * 2 ** failures,
    },
  },
})

/** How often the autoscaler looks, and so may have something new to say. */
const AUTOSCALING_MS = 2000

export type ListInput = NonNullable<Inputs['tasks']['list']>

/** What the pages ask for: the key says what, so that what is live knows which to ask again. */
export const queries = {
  tasks: (input: ListInput) => ({
    queryKey: ['tasks', input] as const,
    queryFn: ({ signal }: { signal: AbortSignal }) => api.tasks.list.query(input, { signal }),
    placeholderData: keepPreviousData,
  }),
  task: (id: string) => ({
    queryKey: ['task', id] as const,
    queryFn: ({ signal }: { signal: AbortSignal }) => api.tasks.get.query({ task_id: id }, { signal }),
  }),
  autoscaling: () => ({
    queryKey: ['autoscaling'] as const,
    queryFn: ({ signal }: { signal: AbortSignal }) => api.workers.autoscaling.query(undefined, { signal }),
    refetchInterval: ({ state }: { state: { data?: { enabled: boolean } | undefined } }) =>
      state.data?.enabled === false ? (false as const) : AUTOSCALING_MS,
  }),
  workers: () => ({
    queryKey: ['workers'] as const,
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      api.workers.list.query({ include: 'offline' }, { signal }),
  }),
}

/** After a time away, nothing that is shown can be trusted. */
export const refetchAll = () => queryClient.invalidateQueries()
