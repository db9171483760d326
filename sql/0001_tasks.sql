-- Tasks: one row from submission to the end and after. The timestamps are the state.
CREATE TABLE tasks (
  id           uuid        PRIMARY KEY,
  name         text        NOT NULL DEFAULT '',
  description  text        NOT NULL DEFAULT '',
  command      text        NOT NULL,
  executor     text        NOT NULL DEFAULT 'simulate',
  payload      jsonb,
  priority     smallint    NOT NULL DEFAULT 0,
  max_retries  smallint    NOT NULL DEFAULT 0 CHECK (max_retries >= 0),
  retry_backoff_ms     integer CHECK (retry_backoff_ms >= 0),        -- NULL: the coordinator's, as is the cap
  retry_backoff_cap_ms integer CHECK (retry_backoff_cap_ms >= 0),
  timeout_ms           integer CHECK (timeout_ms > 0),               -- NULL: none
  cancel_grace_ms      integer NOT NULL DEFAULT 5000 CHECK (cancel_grace_ms >= 0),
  idempotency_key      text,
  request_hash         text,                      -- of what was asked for under that key

  created_at   timestamptz NOT NULL DEFAULT now(),
  scheduled_at timestamptz NOT NULL,              -- when its submitter wants it to run
  due_at       timestamptz NOT NULL,              -- when it may be claimed: scheduled_at, or a retry's time
  picked_at    timestamptz,                       -- claimed for a worker; NULL again when it goes back
  started_at   timestamptz,
  completed_at timestamptz,
  failed_at    timestamptz,
  cancelled_at timestamptz,
  cancel_requested_at timestamptz,                -- while it is held: its worker is being told

  worker_id    bigint,
  slot         smallint,
  attempt      integer     NOT NULL DEFAULT 0,    -- raised by every claim: the fencing token
  failures     smallint    NOT NULL DEFAULT 0,    -- attempts that failed, charged against max_retries
  losses       smallint    NOT NULL DEFAULT 0,    -- attempts that ran on a worker that was lost
  error        text,
  output       text,

  state text NOT NULL GENERATED ALWAYS AS (CASE
    WHEN cancelled_at IS NOT NULL THEN 'cancelled'
    WHEN failed_at    IS NOT NULL THEN 'failed'
    WHEN completed_at IS NOT NULL THEN 'completed'
    WHEN started_at   IS NOT NULL THEN 'running'
    WHEN picked_at    IS NOT NULL THEN 'assigned'
    ELSE 'pending' END) STORED,

  CONSTRAINT ends_once           CHECK (num_nonnulls(completed_at, failed_at, cancelled_at) <= 1),
  CONSTRAINT picked_when_due     CHECK (picked_at IS NULL OR picked_at >= due_at),
  CONSTRAINT picked_has_owner    CHECK ((picked_at IS NULL) = (worker_id IS NULL) AND (picked_at IS NULL OR attempt > 0)),
  CONSTRAINT started_after_pick  CHECK (started_at IS NULL OR (picked_at IS NOT NULL AND started_at >= picked_at)),
  CONSTRAINT completed_after_run CHECK (completed_at IS NULL OR (started_at IS NOT NULL AND completed_at >= started_at)),
  CONSTRAINT failed_after_pick   CHECK (failed_at IS NULL OR (picked_at IS NOT NULL AND failed_at >= picked_at))
) WITH (
  fillfactor = 70,                                -- room for the HOT update of started_at
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
  autovacuum_analyze_scale_factor = 0.05,
  autovacuum_vacuum_cost_delay = 0
);

-- What can be claimed, and nothing else: finished and held tasks are not in it.
CREATE INDEX tasks_claimable ON tasks (priority DESC, due_at, id) WHERE picked_at IS NULL AND cancelled_at IS NULL;
-- What each worker holds.
CREATE INDEX tasks_held ON tasks (worker_id)
  WHERE picked_at IS NOT NULL AND completed_at IS NULL AND failed_at IS NULL AND cancelled_at IS NULL;
-- Lists, newest first: all of them, and by state.
CREATE INDEX tasks_listed    ON tasks (scheduled_at DESC, id DESC);
-- (Pending is said in other words than above, so that the claim can never take this index for its own.)
CREATE INDEX tasks_pending   ON tasks (scheduled_at DESC, id DESC) WHERE coalesce(picked_at, cancelled_at) IS NULL;
CREATE INDEX tasks_completed ON tasks (scheduled_at DESC, id DESC) WHERE completed_at IS NOT NULL;
CREATE INDEX tasks_failed    ON tasks (scheduled_at DESC, id DESC) WHERE failed_at IS NOT NULL;
CREATE INDEX tasks_retrying  ON tasks (scheduled_at DESC, id DESC) WHERE coalesce(picked_at, cancelled_at) IS NULL AND failures > 0;
CREATE INDEX tasks_cancelled ON tasks (scheduled_at DESC, id DESC) WHERE cancelled_at IS NOT NULL;
-- One task per key.
CREATE UNIQUE INDEX tasks_idempotency_key ON tasks (idempotency_key) WHERE idempotency_key IS NOT NULL;

-- Every attempt that was not the last of its task; the last is in the task's own row.
CREATE TABLE attempts (
  task_id    uuid        NOT NULL,
  attempt    integer     NOT NULL,
  worker_id  bigint      NOT NULL,
  slot       smallint,
  picked_at  timestamptz NOT NULL,
  started_at timestamptz,
  ended_at   timestamptz NOT NULL,
  outcome    text        NOT NULL CHECK (outcome IN ('failed', 'cancelled', 'lost', 'returned')),
  error      text,
  PRIMARY KEY (task_id, attempt)
);
