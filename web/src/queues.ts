import { api, type Inputs, type Queue } from './api.ts'
import { formatCount, formatDuration } from './format.ts'
import { queryClient } from './queries.ts'
import { reasonOf } from './reason.ts'
import { tellDone, tellFailed } from './toasts.ts'

type Rate = Queue['rate']

/** `100 per 1 min 00 s`. */
export const rateOf = (rate: Rate): string =>
  rate ? `${formatCount(rate.limit)} per ${formatDuration(rate.period_ms)}` : ''

/** `1 at once, 10 per 1.0 s`. */
export const perKeyOf = ({ per_key }: Queue): string =>
  [per_key.concurrency === null ? '' : `${formatCount(per_key.concurrency)} at once`, rateOf(per_key.rate)]
    .filter(Boolean)
    .join(', ')

/** `3 of 5`. */
export const heldOf = ({ held, concurrency }: Queue): string =>
  concurrency === null ? formatCount(held) : `${formatCount(held)} of ${formatCount(concurrency)}`

type Limits = Inputs['queues']['edit']

/** Does it and says so; whether it went well. */
async function change(what: string, done: string, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    tellDone(`Queue ${what} ${done}`)
    return true
  } catch (error) {
    tellFailed(`Queue ${what} was not ${done}: ${reasonOf(error)}`)
    return false
  } finally {
    await queryClient.invalidateQueries({ queryKey: ['queues'] })
  }
}

/** @param by shown to those who ask what a task waits for; empty: nothing is said */
export const pauseQueue = (queue: string, by: string) =>
  change(queue, 'paused', () => api.queues.pause.mutate({ queue, ...(by.trim() && { by: by.trim() }) }))

export const resumeQueue = (queue: string) =>
  change(queue, 'resumed', () => api.queues.resume.mutate({ queue }))

/** Throws what was refused, so that it can be shown beside what was typed. */
export async function limitQueue(limits: Limits): Promise<void> {
  await api.queues.edit.mutate(limits)
  tellDone(`Limits of ${limits.queue} saved`)
  await queryClient.invalidateQueries({ queryKey: ['queues'] })
}
