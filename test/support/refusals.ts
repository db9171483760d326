import type { Sql } from '../../src/shared/store/connect.ts'

/** Makes a database refuse what is written, as it does when it is in trouble. */
export interface Refusals {
  /** From now on every change of the table fails with this SQLSTATE, until the result is called. */
  begin(code: string): Promise<() => Promise<void>>
  /** How many changes it has refused. */
  count(): Promise<number>
}

let made = 0

/**
 * @param changes what fails: `INSERT`, `UPDATE`, or both with ` OR `
 * @param row a condition on NEW: then only such rows are refused
 */
export async function createRefusals(
  sql: Sql,
  { table, changes, row }: { table: string; changes: string; row?: string },
): Promise<Refusals> {
  const name = `refuse_${++made}`
  await sql.unsafe(`
    CREATE TABLE ${name}_by (code text);
    CREATE SEQUENCE ${name}_count;
    CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE wanted text := (SELECT code FROM ${name}_by);
    BEGIN
      IF wanted IS NOT NULL THEN
        PERFORM nextval('${name}_count'); -- which no rollback takes back
        RAISE EXCEPTION 'refused by the test' USING ERRCODE = wanted;
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER ${name} BEFORE ${changes} ON ${table}
      FOR EACH ${row === undefined ? 'STATEMENT' : `ROW WHEN (${row})`} EXECUTE FUNCTION ${name}()`)
  return {
    async begin(code) {
      await sql`INSERT INTO ${sql(`${name}_by`)} VALUES (${code})`
      return async () => {
        await sql`DELETE FROM ${sql(`${name}_by`)}`
      }
    },
    async count() {
      const [row] = await sql<{ count: number }[]>`
        SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS count FROM ${sql(`${name}_count`)}`
      return row?.count ?? 0
    },
  }
}

/** The outcomes of a task's attempts, the earlier ones first: `['completed']` when it ran once. */
export async function outcomesOf(sql: Sql, taskId: string): Promise<string[]> {
  const rows = await sql<{ outcome: string }[]>`
    SELECT outcome FROM (
      SELECT attempt, outcome FROM attempts WHERE task_id = ${taskId}
      UNION ALL SELECT attempt, state FROM tasks WHERE id = ${taskId}
    ) AS all_of_them ORDER BY attempt`
  return rows.map(({ outcome }) => outcome)
}
