import type postgres from 'postgres'
import type { Sql } from './connect.ts'

/** Bytes that a field of a brief task may have; of a longer one BRIEF_CHARACTERS are kept. */
const BRIEF = 4000
const BRIEF_CHARACTERS = 1000
/** Bytes of a task without its long fields, about. */
const REST = 1000

const TEXTS = ['command', 'description', 'error', 'error_stack', 'output'] as const
const DOCUMENTS = ['payload', 'result'] as const

type Long = (typeof TEXTS)[number] | (typeof DOCUMENTS)[number]

/** What is read of task `t`; brief, long fields are cut before they are read, so that a page is never very large. */
export const columns = (sql: Sql, isBrief = false) => sql`
  t.id, t.name, ${long(sql, 'description', isBrief)} AS description, ${long(sql, 'command', isBrief)} AS command,
  t.executor, ${long(sql, 'payload', isBrief)} AS payload, t.priority, t.max_retries AS "maxRetries",
  t.retry_backoff_ms AS "retryBackoffMs", t.retry_backoff_cap_ms AS "retryBackoffCapMs",
  t.timeout_ms AS "timeoutMs", t.cancel_grace_ms AS "cancelGraceMs", t.idempotency_key AS "idempotencyKey",
  lane_queue(t.lane) AS queue,
  lane_labels(t.lane) AS labels, t.concurrency_key AS "concurrencyKey",
  coalesce(t.parents, 0) AS parents, t.waits_for AS "waitsFor", coalesce(t.on_parent_failure, 'fail') AS "onParentFailure", t.workflow_id AS "workflowId",
  t.workflow_key AS "workflowKey", t.cancel_requested_at AS "cancelRequestedAt",
  t.state, t.created_at AS "createdAt", t.scheduled_at AS "scheduledAt", t.due_at AS "dueAt",
  t.picked_at AS "pickedAt", t.started_at AS "startedAt", t.completed_at AS "completedAt",
  t.failed_at AS "failedAt", t.cancelled_at AS "cancelledAt", t.worker_id AS "workerId",
  (SELECT w.name FROM workers w WHERE w.id = t.worker_id) AS "workerName",
  t.slot, t.attempt, t.failures, t.losses, ${long(sql, 'error', isBrief)} AS error,
  ${long(sql, 'error_stack', isBrief)} AS "errorStack", ${long(sql, 'output', isBrief)} AS output,
  ${long(sql, 'result', isBrief)} AS result, t.progress,
  t.schedule_id AS "scheduleId", t.tick_at AS "tickAt"`

/** About how many bytes `columns` reads of task `t`. */
export const size = (sql: Sql, isBrief = false) => {
  const texts = TEXTS.map((name) => {
    const bytes = sql`coalesce(octet_length(t.${sql(name)}), 0)`
    return isBrief ? sql`least(${bytes}, ${BRIEF})` : bytes
  })
  const documents = DOCUMENTS.map((name) =>
    isBrief
      ? sql`least(coalesce(pg_column_size(t.${sql(name)}), 0), ${BRIEF})`
      : sql`coalesce(octet_length(t.${sql(name)}::text), 0)`,
  )
  return [...texts, ...documents].reduce((sum, one) => sql`${sum} + ${one}`, sql`${REST}`)
}

/** A text `text`, cut when it is long. */
export const cut = (sql: Sql, text: postgres.Fragment) => sql`
  CASE WHEN octet_length(${text}) <= ${BRIEF} THEN ${text}
    ELSE left(${text}, ${BRIEF_CHARACTERS}) || '… [truncated, about ' || octet_length(${text}) - ${BRIEF_CHARACTERS} || ' characters left out]' END`

function long(sql: Sql, name: Long, isBrief: boolean) {
  const field = sql`t.${sql(name)}`
  if (!isBrief) return field
  if (name !== 'payload' && name !== 'result') return cut(sql, field)
  // What is stored may be compressed: only what is small even so is looked into.
  return sql`CASE WHEN ${field} IS NULL THEN NULL
    WHEN pg_column_size(${field}) <= ${BRIEF} AND octet_length(${field}::text) <= ${BRIEF} THEN ${field}
    ELSE to_jsonb('… [truncated, see the task itself]'::text) END`
}
