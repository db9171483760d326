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

/** How often the pages of schedules are looked at again: what happens to them, nobody tells. */
const SCHEDULES_MS = 2000
/** How often a workflow that runs is looked at, and how often the others are. */
const WORKFLOW_MS = 500
const WORKFLOWS_MS = 3000
const SCHEDULES_PAGE = 100

export type PreviewInput = Inputs['schedules']['preview']
/** How often what is in the queues is looked at again. */
const QUEUES_MS = 3000

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
  workflows: (cursor?: string) => ({
    queryKey: ['workflows', cursor] as const,
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      api.workflows.list.query({ limit: 50, ...(cursor !== undefined && { cursor }) }, { signal }),
    placeholderData: keepPreviousData,
    refetchInterval: WORKFLOWS_MS,
  }),
  workflow: (id: string) => ({
    queryKey: ['workflow', id] as const,
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      api.workflows.get.query({ workflow_id: id }, { signal }),
    // What has ended changes only when somebody retries it.
    refetchInterval: ({ state }: { state: { data?: { state: string; total: number } | undefined } }) =>
      state.data?.state === 'running' && state.data.total <= 150 ? WORKFLOW_MS : WORKFLOWS_MS,
  }),
  schedules: (cursor?: string) => ({
    queryKey: ['schedules', cursor] as const,
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      api.schedules.list.query(
        { limit: SCHEDULES_PAGE, ...(cursor !== undefined && { cursor }) },
        { signal },
      ),
    placeholderData: keepPreviousData,
    refetchInterval: SCHEDULES_MS,
  }),
  schedule: (id: string) => ({
    queryKey: ['schedule', id] as const,
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      api.schedules.get.query({ schedule_id: id }, { signal }),
    refetchInterval: SCHEDULES_MS,
  }),
  ticks: (id: string, cursor?: string) => ({
    queryKey: ['ticks', id, cursor] as const,
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      api.schedules.ticks.query(
        { schedule_id: id, limit: 50, ...(cursor !== undefined && { cursor }) },
        { signal },
      ),
    placeholderData: keepPreviousData,
    refetchInterval: SCHEDULES_MS,
  }),
  preview: (input: PreviewInput) => ({
    queryKey: ['preview', input] as const,
    queryFn: ({ signal }: { signal: AbortSignal }) => api.schedules.preview.query(input, { signal }),
    placeholderData: keepPreviousData,
  }),
  why: (id: string) => ({
    queryKey: ['why', id] as const,
    queryFn: ({ signal }: { signal: AbortSignal }) => api.tasks.why.query({ task_id: id }, { signal }),
  }),
  queues: () => ({
    queryKey: ['queues'] as const,
    queryFn: ({ signal }: { signal: AbortSignal }) => api.queues.list.query(undefined, { signal }),
    refetchInterval: QUEUES_MS,
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
