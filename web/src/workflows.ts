import { api } from './api.ts'
import { plural } from './format.ts'
import { queryClient } from './queries.ts'
import { reasonOf } from './reason.ts'
import { tellDone, tellFailed } from './toasts.ts'

/** `2 completed, 1 running`: the states that any task is in. */
export const describeCounts = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ')

const DONE = { cancel: 'cancelled, or told to stop', retry: 'set to run again' }

/** Does it to a whole workflow and says what came of it. */
export async function doToWorkflow(action: keyof typeof DONE, id: string): Promise<void> {
  try {
    const { count } = await api.workflows[action].mutate({ workflow_id: id })
    tellDone(`${plural(count, 'task')} ${DONE[action]}`)
    await queryClient.invalidateQueries({ queryKey: ['workflow', id] })
  } catch (error) {
    tellFailed(`The workflow was not changed: ${reasonOf(error)}`)
  }
}
