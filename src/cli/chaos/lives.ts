import type { SubmissionRecord } from './evidence.ts'
import type { Index } from './indexed.ts'

/** What people did to tasks besides cancelling them, found by task. */
export interface Lives {
  /** Tasks that somebody tried to give a new life. */
  retried: Set<string>
  /** Those, and all that depends on them at whatever distance: they may have got a new life with them. */
  touched: Set<string>
  /** Tasks that somebody tried to delete, and that are not there. */
  gone: Set<string>
}

const idsOf = (records: SubmissionRecord[]) => records.flatMap(({ acknowledged }) => acknowledged)

export function findLives({ evidence, tasks }: Pick<Index, 'evidence' | 'tasks'>): Lives {
  const retried = new Set(idsOf(evidence.submissions.filter(({ retryAsked }) => retryAsked)))
  const children = Map.groupBy(evidence.edges, ({ dependsOn }) => dependsOn)
  const touched = new Set(retried)
  // A set is walked on while it grows.
  for (const id of touched) for (const { taskId } of children.get(id) ?? []) touched.add(taskId)
  const discarded = idsOf(evidence.submissions.filter(({ discardAsked }) => discardAsked))
  const gone = new Set(discarded.filter((id) => !tasks.has(id)))
  return { retried, touched, gone }
}
