import { expect } from 'bun:test'
import { manyInput } from '../../../src/scheduler/many-input.ts'
import { parseAsync } from '../../../src/scheduler/schemas.ts'
import { findInexact } from '../../../src/shared/core/exact-json.ts'
import type { Sql } from '../../../src/shared/store/connect.ts'

/** Makes `attempt(given)` in the database: what submit_many() says to each, and nothing is stored. */
export async function createAttempts(sql: Sql): Promise<void> {
  await sql`
    CREATE FUNCTION attempt(given text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
    DECLARE
      one  text;
      told text;
    BEGIN
      FOREACH one IN ARRAY given LOOP
        BEGIN
          PERFORM submit_many(one::jsonb);
          RAISE EXCEPTION USING ERRCODE = 'TM001', MESSAGE = 'accepted';
        EXCEPTION WHEN sqlstate 'TM001' OR invalid_parameter_value THEN
          GET STACKED DIAGNOSTICS told = MESSAGE_TEXT;
          RETURN NEXT told;
        END;
      END LOOP;
    END $$`
}

/** What submit_many() says to each of these JSON texts: `accepted`, or its refusal. */
async function attempt(sql: Sql, given: string[]): Promise<string[]> {
  const rows = await sql<{ told: string }[]>`SELECT told FROM attempt(${given}) AS told`
  return rows.map(({ told }) => told)
}

/** What REST says to the same. */
async function attemptByRest(given: string): Promise<string> {
  try {
    const body = `{"tasks":${given}}`
    const fault = findInexact(body)
    if (fault !== null) return fault
    await parseAsync(manyInput, JSON.parse(body))
    return 'accepted'
  } catch (error) {
    return (error as Error).message
  }
}

/** Compares what SQL and REST say to JSON texts of arrays of tasks. */
export const compareIn = (sql: Sql) => async (given: string[]) => {
  const [told, byRest] = await Promise.all([attempt(sql, given), Promise.all(given.map(attemptByRest))])
  const differing = given.flatMap((text, index) =>
    alike(told[index]) === alike(byRest[index])
      ? []
      : [{ given: text.slice(0, 300), sql: told[index], rest: byRest[index] }],
  )
  expect(differing).toEqual([])
  return told
}

/** jsonb does not keep how a number was written. */
const alike = (told = '') => told.replace(/\S+(?= cannot be represented)/, '…')
