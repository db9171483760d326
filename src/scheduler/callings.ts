import type { Sql } from '../shared/store/connect.ts'
import { listWorkerNames } from '../shared/store/workers.ts'

/**
 * The ids of the workers that go by a name, an id or `Worker-<id>`. A restarted worker has a new id and often
 * its old name, so a name stands for all that had it.
 */
export async function findWorkerIds(sql: Sql, nameOrId: string): Promise<number[]> {
  const named = (await listWorkerNames(sql)).filter(({ name }) => name === nameOrId).map(({ id }) => id)
  const [, digits] = /^(?:Worker-)?(\d{1,10})$/.exec(nameOrId) ?? []
  return digits === undefined ? named : [...named, Number(digits)]
}
