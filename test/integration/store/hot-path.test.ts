import { expect, test } from 'bun:test'
import { createTestDatabase } from '../../support/database.ts'

test('no trigger is on the tables of the hot path', async () => {
  const { sql } = await createTestDatabase()
  const triggers = await sql`
    SELECT tgname, tgrelid::regclass::text AS table FROM pg_trigger
    WHERE tgrelid = ANY('{task_records,ready,held,attempts,task_logs}'::text[]::regclass[]) AND NOT tgisinternal`
  expect([...triggers]).toEqual([])
})
