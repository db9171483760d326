import { api, type Schedule } from './api.ts'
import { formatDuration } from './format.ts'
import { queryClient } from './queries.ts'
import { reasonOf } from './reason.ts'
import { tellDone, tellFailed } from './toasts.ts'

/** `30 2 * * *, Europe/Berlin`, or `every 5 min 00 s`. */
export const timingOf = ({
  cron,
  time_zone,
  every_ms,
}: Pick<Schedule, 'cron' | 'time_zone' | 'every_ms'>): string =>
  cron === null ? `every ${formatDuration(every_ms ?? 0)}` : `${cron}, ${time_zone}`

/** An outcome in words. */
export const outcomeOf = (outcome: string): string => outcome.replaceAll('_', ' ')

const DEEDS = {
  pause: { done: 'paused', perform: (id: string) => api.schedules.pause.mutate({ schedule_id: id }) },
  resume: { done: 'resumed', perform: (id: string) => api.schedules.resume.mutate({ schedule_id: id }) },
  runNow: { done: 'started now', perform: (id: string) => api.schedules.runNow.mutate({ schedule_id: id }) },
  delete: { done: 'deleted', perform: (id: string) => api.schedules.delete.mutate({ schedule_id: id }) },
}
export type ScheduleDeed = keyof typeof DEEDS

/** Does it and says so; whether it went well. */
export async function doToSchedule(
  deed: ScheduleDeed,
  { id, name }: Pick<Schedule, 'id' | 'name'>,
): Promise<boolean> {
  const { done, perform } = DEEDS[deed]
  try {
    await perform(id)
    tellDone(`Schedule ${name} ${done}`)
    return true
  } catch (error) {
    tellFailed(`Schedule ${name} was not ${done}: ${reasonOf(error)}`)
    return false
  } finally {
    await refetchSchedules(deed === 'delete' ? ['schedules'] : ALL)
  }
}

const ALL = ['schedules', 'schedule', 'ticks']

/** Asks again for what is shown of schedules; what was deleted is not asked for. */
export const refetchSchedules = (keys = ALL) =>
  Promise.all(keys.map((key) => queryClient.invalidateQueries({ queryKey: [key] })))
