import { connect, type Sql } from '../src/shared/store/connect.ts'
import { type Bench, POOL } from './cluster.ts'

/**
 * Fills the tables as long use does, by SQL: what else would take hours. All statements of benches that write the
 * schema's columns are here.
 */

const STEP = 50_000
/** Indexes of ten million rows take minutes. */
const STATEMENT_LIMIT_MS = 3_600_000

/** Tasks of every state, mostly ended, as the lists of the interface meet them. */
export async function fillMixed(database: Bench, rows: number): Promise<void> {
  await fill(database, async (sql) => {
    await inSteps(
      rows,
      (from, to) => sql`
WITH given AS MATERIALIZED (
      SELECT uuidv7() AS id, CASE n % 4 WHEN 0 THEN 'nightly ' || n ELSE '' END AS name,
        (ARRAY['send the report of today to everyone who asked for it', 'resize images', 'reindex', 'demo-job'])[1 + n % 4] AS command,
        at, picked, started,
        CASE WHEN kind >= 6 AND n > 50 THEN started END AS completed, CASE WHEN kind BETWEEN 2 AND 4 THEN started END AS failed,
        CASE WHEN kind = 5 THEN at END AS cancelled, CASE WHEN picked IS NOT NULL THEN 1 + n % 3 END AS worker,
        CASE WHEN started IS NOT NULL THEN n % 5 END AS slot, CASE WHEN picked IS NOT NULL THEN 1 ELSE 0 END AS attempt,
        CASE WHEN kind = 1 THEN 1 ELSE 0 END AS failures, CASE WHEN kind BETWEEN 2 AND 4 THEN 'exit code 1' END AS error
      FROM (
        SELECT n, kind, at, CASE WHEN kind > 1 AND kind <> 5 OR n <= 50 THEN at END AS picked,
          CASE WHEN kind > 1 AND kind <> 5 AND n > 10 THEN at END AS started
        FROM (
          SELECT n, CASE WHEN n <= 50 THEN 6 ELSE n % 100 * 7919 % 100 END AS kind, now() - n * interval '1 s' AS at
          FROM generate_series(${from}::int, ${to}::int) AS n
        ) AS drawn
      ) AS made
      ), told AS (
        SELECT *, num_nonnulls(completed, failed, cancelled) > 0 AS ended FROM given
      ), recorded AS (
        INSERT INTO task_records (id, name, command, scheduled_at, due_at, picked_at, started_at, completed_at, failed_at,
          cancelled_at, worker_id, slot, attempt, max_retries, failures, error)
        SELECT id, name, command, at, at, CASE WHEN ended THEN picked END, CASE WHEN ended THEN started END, completed, failed,
          cancelled, CASE WHEN ended THEN worker END, CASE WHEN ended THEN slot END, CASE WHEN ended THEN attempt ELSE 0 END, 3,
          failures, error FROM told
      ), queued AS (
        INSERT INTO ready (task_id, due_at, attempt, priority, routing, lane)
        SELECT id, at, 1, 0, '//', '//' FROM told WHERE picked IS NULL AND NOT ended
      ), given_out AS (
        INSERT INTO held (task_id, picked_at, worker_id, attempt, lane, started_at, slot)
        SELECT id, picked, worker, 1, '//', started, slot FROM told WHERE picked IS NOT NULL AND NOT ended
      )
      INSERT INTO count_deltas (names, amounts)
      SELECT array_agg(state), array_agg(count) FROM (
        SELECT CASE WHEN completed IS NOT NULL THEN 'completed' WHEN failed IS NOT NULL THEN 'failed'
          WHEN cancelled IS NOT NULL THEN 'cancelled' WHEN started IS NOT NULL THEN 'running'
          WHEN picked IS NOT NULL THEN 'assigned' ELSE 'pending' END AS state, count(*) AS count
        FROM told GROUP BY 1
      ) AS s`,
    )
  })
}

/** Tasks that have ended, one in twenty of them failed, and tasks that are due between a day and a month from now. */
export async function fillHistory(
  database: Bench,
  { ended, future }: { ended: number; future: number },
): Promise<void> {
  await fill(database, async (sql) => {
    await inSteps(
      ended,
      (from, to) => sql`
        INSERT INTO task_records (id, command, payload, scheduled_at, due_at, picked_at, started_at, completed_at, failed_at,
          worker_id, slot, attempt, error)
        SELECT uuidv7(), 'bench', '{"duration_ms": 0}', at, at, at, at,
          CASE WHEN n % 20 > 0 THEN at END, CASE WHEN n % 20 = 0 THEN at END, 1 + n % 3, n % 5, 1,
          CASE WHEN n % 20 = 0 THEN 'exit code 1' END
        FROM (
          SELECT n, now() - n * interval '0.1 s' AS at FROM generate_series(${from}::int, ${to}::int) AS n
        ) AS made`,
    )
    await inSteps(
      future,
      (from, to) => sql`
        WITH later AS (
          INSERT INTO task_records (id, command, payload, scheduled_at, due_at)
          SELECT uuidv7(), 'bench', '{"duration_ms": 0}', at, at
          FROM (
            SELECT now() + interval '1 day' + n * 7919 % 2500000 * interval '1 s' AS at
            FROM generate_series(${from}::bigint, ${to}::bigint) AS n
          ) AS made RETURNING id, due_at
        )
        INSERT INTO ready (task_id, due_at, attempt, priority, routing, lane) SELECT id, due_at, 1, 0, '//', '//' FROM later`,
    )
    await sql`
      INSERT INTO count_deltas (names, amounts)
      VALUES ('{completed,failed,pending}', ${[ended - Math.floor(ended / 20), Math.floor(ended / 20), future]}::bigint[])`
  })
}

/** Three workers that are gone, and rows without indexes, which are made again at the end. */
async function fill({ settings }: Bench, rows: (sql: Sql) => Promise<void>): Promise<void> {
  const sql = connect({ ...settings, ...POOL, poolMax: 1, statementTimeoutMs: STATEMENT_LIMIT_MS })
  try {
    await sql`
      INSERT INTO workers (id, name, link, slots, coordinator_id, session, offline_at)
      SELECT n, 'worker-' || n, 'stream', 5, gen_random_uuid(), gen_random_uuid(), now() FROM generate_series(1, 3) AS n`
    const indexes = await sql<{ name: string; definition: string }[]>`
      SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
      FROM pg_index WHERE indrelid IN ('task_records'::regclass, 'ready'::regclass) AND NOT indisprimary`
    for (const { name } of indexes) await sql`DROP INDEX ${sql(name)}`
    await rows(sql)
    for (const { definition } of indexes) await sql.unsafe(definition)
    await sql`INSERT INTO levels (routing, priority, lane) VALUES ('//', 0, '//')`
    await sql`SELECT fold_counts()`
    await sql`VACUUM ANALYZE task_records, ready, held`
    await sql`CHECKPOINT`
  } finally {
    await sql.end({ timeout: 1 })
  }
}

async function inSteps(
  rows: number,
  insert: (from: number, to: number) => PromiseLike<unknown>,
): Promise<void> {
  for (let from = 1; from <= rows; from += STEP) await insert(from, Math.min(rows, from + STEP - 1))
}
