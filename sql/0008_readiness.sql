-- When a task may be claimed: its lane (who can run it, and by which queue), its queue's limits, its turn among the
-- keys of its queue, and the tasks it depends on.

-- A lane is `queue/need/label,label`: what a worker must be able to run, and the labels that it must have. What is at its
-- default is left out, because it stands in every row and index entry: `//` is the default queue and `simulate`. All tasks
-- of a lane and a priority are alike to the claim, which visits each by itself and never reads past what cannot run now.
CREATE FUNCTION lane_queue(lane text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(nullif(split_part(lane, '/', 1), ''), 'default')
$$;
CREATE FUNCTION lane_need(lane text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(nullif(split_part(lane, '/', 2), ''), 'simulate')
$$;
CREATE FUNCTION lane_labels(lane text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(string_to_array(nullif(split_part(lane, '/', 3), ''), ','), '{}')
$$;

-- The table anew, because the order of its columns counts: every claim and every outcome looks at each indexed column,
-- and finds it by what stands before it. So what always has a value of one length comes first, then what indexes are
-- made of, then the rest.
ALTER TABLE tasks RENAME TO tasks_before;
ALTER INDEX tasks_pkey RENAME TO tasks_before_pkey;
DROP INDEX tasks_claimable, tasks_held, tasks_listed, tasks_pending, tasks_completed, tasks_failed, tasks_retrying,
  tasks_cancelled, tasks_idempotency_key;

CREATE TABLE tasks (
  id           uuid        PRIMARY KEY,
  created_at   timestamptz NOT NULL DEFAULT now(),
  scheduled_at timestamptz NOT NULL,              -- when its submitter wants it to run
  due_at       timestamptz NOT NULL,              -- when it may be claimed: scheduled_at, or a retry's time
  attempt      integer     NOT NULL DEFAULT 0,    -- raised by every claim: the fencing token
  waits_for    integer     NOT NULL DEFAULT 0,    -- tasks it depends on that have not ended
  cancel_grace_ms integer  NOT NULL DEFAULT 5000 CHECK (cancel_grace_ms >= 0),
  priority     smallint    NOT NULL DEFAULT 0,
  max_retries  smallint    NOT NULL DEFAULT 0 CHECK (max_retries >= 0),
  failures     smallint    NOT NULL DEFAULT 0,    -- attempts that failed, charged against max_retries
  losses       smallint    NOT NULL DEFAULT 0,    -- attempts that ran on a worker that was lost
  has_dependents boolean   NOT NULL DEFAULT false,
  lane         text COLLATE "C" NOT NULL DEFAULT '//',

  picked_at    timestamptz,                       -- claimed for a worker; NULL again when it goes back
  worker_id    bigint,
  started_at   timestamptz,
  completed_at timestamptz,
  failed_at    timestamptz,
  cancelled_at timestamptz,
  concurrency_key text COLLATE "C",               -- those of one key share its limits and take turns with others
  workflow_id  uuid,
  idempotency_key text,

  cancel_requested_at timestamptz,                -- while it is held: its worker is being told
  slot         smallint,
  timeout_ms           integer CHECK (timeout_ms > 0),               -- NULL: none
  retry_backoff_ms     integer CHECK (retry_backoff_ms >= 0),        -- NULL: the coordinator's, as is the cap
  retry_backoff_cap_ms integer CHECK (retry_backoff_cap_ms >= 0),
  parents      integer,                           -- tasks it depends on; NULL: none
  on_parent_failure text,                         -- 'skip' or 'continue'; NULL: it fails, too
  workflow_key text,                              -- its name within the workflow
  request_hash text,                              -- of what was asked for under its idempotency key
  name         text        NOT NULL DEFAULT '',
  description  text        NOT NULL DEFAULT '',
  command      text        NOT NULL,
  executor     text        NOT NULL DEFAULT 'simulate',
  payload      jsonb,
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
  -- One that depends on what failed fails without a worker.
  CONSTRAINT failed_after_pick   CHECK (failed_at IS NULL OR picked_at IS NULL OR failed_at >= picked_at)
) WITH (
  fillfactor = 70,                                -- room for the HOT update of started_at
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
  autovacuum_analyze_scale_factor = 0.05,
  autovacuum_vacuum_cost_delay = 0
);

INSERT INTO tasks (id, created_at, scheduled_at, due_at, attempt, cancel_grace_ms, priority, max_retries, failures, losses,
    picked_at, worker_id, started_at, completed_at, failed_at, cancelled_at, idempotency_key, cancel_requested_at, slot,
    timeout_ms, retry_backoff_ms, retry_backoff_cap_ms, request_hash, name, description, command, executor, payload, error, output)
  SELECT id, created_at, scheduled_at, due_at, attempt, cancel_grace_ms, priority, max_retries, failures, losses,
    picked_at, worker_id, started_at, completed_at, failed_at, cancelled_at, idempotency_key, cancel_requested_at, slot,
    timeout_ms, retry_backoff_ms, retry_backoff_cap_ms, request_hash, name, description, command, executor, payload, error, output
  FROM tasks_before;
DROP TABLE tasks_before;

-- What each worker holds.
CREATE INDEX tasks_held ON tasks (worker_id)
  WHERE picked_at IS NOT NULL AND completed_at IS NULL AND failed_at IS NULL AND cancelled_at IS NULL;
-- Lists, newest first: all of them, and by state.
CREATE INDEX tasks_listed    ON tasks (scheduled_at DESC, id DESC);
CREATE INDEX tasks_completed ON tasks (scheduled_at DESC, id DESC) WHERE completed_at IS NOT NULL;
CREATE INDEX tasks_failed    ON tasks (scheduled_at DESC, id DESC) WHERE failed_at IS NOT NULL;
CREATE INDEX tasks_cancelled ON tasks (scheduled_at DESC, id DESC) WHERE cancelled_at IS NOT NULL;
-- One task per key.
CREATE UNIQUE INDEX tasks_idempotency_key ON tasks (idempotency_key) WHERE idempotency_key IS NOT NULL;
-- What can be claimed, and nothing else.
CREATE INDEX tasks_claimable ON tasks (lane, priority DESC, due_at, id)
  WHERE picked_at IS NULL AND cancelled_at IS NULL AND failed_at IS NULL AND waits_for = 0 AND concurrency_key IS NULL;
-- Those with a key. (Of the conditions of an index, what tells most rows apart comes first: they are tried in order.)
CREATE INDEX tasks_keyed ON tasks (lane, concurrency_key, priority DESC, due_at, id)
  WHERE concurrency_key IS NOT NULL AND picked_at IS NULL AND cancelled_at IS NULL AND failed_at IS NULL AND waits_for = 0;
-- (Pending is said in other words than above, so that the claim can never take these indexes for its own.)
CREATE INDEX tasks_pending  ON tasks (scheduled_at DESC, id DESC) WHERE coalesce(picked_at, cancelled_at, failed_at) IS NULL;
CREATE INDEX tasks_retrying ON tasks (scheduled_at DESC, id DESC)
  WHERE failures > 0 AND coalesce(picked_at, cancelled_at, failed_at) IS NULL;
-- What counts against the limits of a queue and of a key; nothing of the default queue does, unless it has a key. (In
-- other words than those of tasks_held, so that no count ever goes through all that is held.)
CREATE INDEX tasks_held_in_queue ON tasks (lane_queue(lane), concurrency_key)
  WHERE picked_at IS NOT NULL AND coalesce(completed_at, failed_at, cancelled_at) IS NULL
    AND (left(lane, 1) <> '/' OR concurrency_key IS NOT NULL);
CREATE INDEX tasks_workflow ON tasks (workflow_id) WHERE workflow_id IS NOT NULL;

-- Queues: a row for each name that was ever used. NULL: no such limit.
CREATE TABLE queues (
  name            text COLLATE "C" PRIMARY KEY,
  paused_at       timestamptz,
  paused_by       text,
  concurrency     integer CHECK (concurrency > 0),         -- tasks held at once
  rate            integer CHECK (rate > 0),                -- claims in any rate_period_ms
  rate_period_ms  integer CHECK (rate_period_ms > 0),
  key_concurrency integer CHECK (key_concurrency > 0),     -- the same for each concurrency_key
  key_rate        integer CHECK (key_rate > 0),
  key_rate_period_ms integer CHECK (key_rate_period_ms > 0),
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now(),
  -- Whether the claim has to look at it at all.
  limited boolean NOT NULL GENERATED ALWAYS AS (
    paused_at IS NOT NULL OR num_nonnulls(concurrency, rate, key_concurrency, key_rate) > 0) STORED,
  CONSTRAINT rate_has_period     CHECK ((rate IS NULL) = (rate_period_ms IS NULL)),
  CONSTRAINT key_rate_has_period CHECK ((key_rate IS NULL) = (key_rate_period_ms IS NULL))
);
INSERT INTO queues (name) VALUES ('default');

-- The keys that have tasks waiting, each from when it may be served: the one that was served the longest ago, or is due
-- the longest, comes first. 'infinity': its limit is reached, until one of its tasks ends. May be early, never late.
CREATE TABLE lane_keys (
  lane     text COLLATE "C" NOT NULL,
  key      text COLLATE "C" NOT NULL,
  queue    text COLLATE "C" NOT NULL,
  ready_at timestamptz NOT NULL,
  PRIMARY KEY (queue, key, lane)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX lane_keys_ready ON lane_keys (lane, ready_at);

-- How many claims of a queue, or of one of its keys, each short span of time saw: `until` is the span's end. Each counts
-- until a whole period after it, so that no period of that length ever has more than the rate.
CREATE TABLE rate_uses (
  queue text COLLATE "C" NOT NULL,
  key   text COLLATE "C" NOT NULL,                         -- '': the queue as a whole
  until timestamptz NOT NULL,
  count integer NOT NULL,
  PRIMARY KEY (queue, key, until)                          -- rows of one queue or key: at most about 50 that count
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- Which task depends on which; resolved once what it depends on has ended.
CREATE TABLE dependencies (
  task_id     uuid NOT NULL,
  depends_on  uuid NOT NULL,
  resolved_at timestamptz,
  ended_child boolean NOT NULL DEFAULT false,              -- its failure is why the dependent ended
  PRIMARY KEY (task_id, depends_on)
);
CREATE INDEX dependencies_of ON dependencies (depends_on);

CREATE TABLE workflows (
  id         uuid PRIMARY KEY,
  name       text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX workflows_listed ON workflows (created_at DESC, id DESC);

-- Tasks that have ended and have dependents which do not know it yet: any coordinator tells them.
CREATE TABLE ended_parents (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  task_id uuid NOT NULL,
  state   text NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Notes that keys have tasks which may be served from these times.
CREATE FUNCTION ready_keys(keys lane_keys[]) RETURNS void LANGUAGE sql AS $$
  WITH noted AS (
    INSERT INTO lane_keys AS k (lane, key, queue, ready_at)
    SELECT lane, key, queue, min(ready_at) FROM unnest(keys) GROUP BY queue, key, lane ORDER BY queue, key, lane
    ON CONFLICT (queue, key, lane) DO UPDATE SET ready_at = least(k.ready_at, excluded.ready_at)
    RETURNING xmax = 0 AS is_new
  )
  SELECT pg_notify('taskmaster_queues', '') FROM noted WHERE is_new HAVING count(*) > 0
$$;

-- Notes that these keys have room again, as far as any of their tasks wait. Whatever they were noted for: a claim that
-- has not been committed may just now find them full.
CREATE FUNCTION free_keys(queues text[], keys text[]) RETURNS void LANGUAGE sql
  SET enable_nestloop = on SET enable_hashjoin = off AS $$
  SELECT ready_keys(array_agg((k.lane, k.key, k.queue, now())::lane_keys))
  FROM (SELECT DISTINCT queue, key FROM unnest(queues, keys) AS f (queue, key)) AS freed
  JOIN queues q ON q.name = freed.queue COLLATE "C" AND q.key_concurrency IS NOT NULL
  JOIN lane_keys k ON k.queue = freed.queue COLLATE "C" AND k.key = freed.key COLLATE "C"
  HAVING count(*) > 0
$$;

CREATE FUNCTION is_held(state text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT state IN ('assigned', 'running') $$;

CREATE OR REPLACE FUNCTION tasks_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO count_deltas (name, value)
    SELECT state, count(*) FROM new_tasks GROUP BY state
    UNION ALL
    SELECT 'submitted:' || priority_name(priority), count(*) FROM new_tasks GROUP BY 1;
  PERFORM pg_notify('taskmaster_due', (epoch_ms(min(due_at)) - epoch_ms(clock_timestamp()))::text)
    FROM new_tasks WHERE state = 'pending' AND waits_for = 0 HAVING count(*) > 0;
  PERFORM pg_notify('taskmaster_events', json_build_object(
      'type', 'scheduled', 'count', (SELECT count(*) FROM new_tasks), 'at', epoch_ms(clock_timestamp()),
      'rows', json_agg(json_build_array(id, attempt)))::text)
    FROM (SELECT id, attempt FROM new_tasks LIMIT 60) AS sample HAVING count(*) > 0;
  IF EXISTS (SELECT FROM new_tasks WHERE left(lane, 1) <> '/' OR concurrency_key IS NOT NULL) THEN
    INSERT INTO queues (name) SELECT DISTINCT lane_queue(lane) FROM new_tasks WHERE left(lane, 1) <> '/' ORDER BY 1 ON CONFLICT DO NOTHING;
    PERFORM ready_keys(array_agg((lane, concurrency_key, lane_queue(lane), due_at)::lane_keys))
      FROM new_tasks WHERE concurrency_key IS NOT NULL AND state = 'pending' AND waits_for = 0 HAVING count(*) > 0;
  END IF;
  RETURN NULL;
END $$;

-- Its plan is kept for batches of every size; one made for a single row must not be a nested loop.
CREATE OR REPLACE FUNCTION tasks_updated() RETURNS trigger LANGUAGE plpgsql
  SET plan_cache_mode = force_generic_plan SET enable_hashjoin = on SET enable_nestloop = off AS $$
DECLARE
  few     bigint := (SELECT count(*) FROM (SELECT FROM new_tasks LIMIT 2) AS few);
  one     record;
  which   record;
  notices text[];
  due_in  bigint;
BEGIN
  IF few = 0 THEN RETURN NULL; END IF;
  IF few = 1 THEN
    SELECT n.id, n.attempt, n.state, o.state AS was, n.picked_at, n.worker_id, n.slot, left(n.error, 100) AS text,
           n.waits_for <> o.waits_for OR n.has_dependents OR left(n.lane, 1) <> '/' OR n.concurrency_key IS NOT NULL AS concerns_others,
           CASE n.state WHEN 'assigned' THEN 'waited' ELSE 'ran' END AS clock,
           1000 * date_part('epoch', CASE n.state WHEN 'assigned' THEN n.picked_at - n.due_at
             ELSE coalesce(n.completed_at, n.failed_at) - n.started_at END) AS ms
      INTO one FROM new_tasks n, old_tasks o;
    IF one.state = one.was AND NOT one.concerns_others THEN RETURN NULL; END IF;
    -- What goes back leaves its attempt behind, and may be due at any time: below.
    IF one.picked_at IS NOT NULL AND one.state <> one.was AND NOT one.concerns_others THEN
      INSERT INTO count_deltas (name, value) SELECT name, value
        FROM count_parts(one.state, one.was, one.worker_id, one.clock, bucket_of(one.ms), one.ms, 1)
        WHERE name IS NOT NULL AND value <> 0;
      PERFORM pg_notify('taskmaster_events', json_build_object('type', one.state, 'count', 1,
        'at', epoch_ms(clock_timestamp()), 'rows', json_build_array(json_build_array(one.id, one.attempt,
          one.worker_id, one.slot, round(one.ms::numeric, 3), one.text)))::text);
      RETURN NULL;
    END IF;
  END IF;
  SELECT bool_or(picked_at IS NULL) AS unheld, bool_or(has_dependents) AS depended_on,
         bool_or(concurrency_key IS NOT NULL) AS keyed, bool_or(left(lane, 1) <> '/' OR concurrency_key IS NOT NULL) AS governed
    INTO which FROM new_tasks;
  IF which.unheld THEN
    INSERT INTO attempts (task_id, attempt, worker_id, slot, picked_at, started_at, ended_at, outcome, error)
    SELECT o.id, o.attempt, o.worker_id, o.slot, o.picked_at, o.started_at, coalesce(o.failed_at, o.cancelled_at, now()),
           CASE WHEN n.failures > o.failures OR o.failed_at IS NOT NULL THEN 'failed'
                WHEN o.cancelled_at IS NOT NULL THEN 'cancelled'
                WHEN n.losses > o.losses
                  OR NOT EXISTS (SELECT FROM workers w WHERE w.id = o.worker_id AND w.offline_at IS NULL) THEN 'lost'
                ELSE 'returned' END,
           CASE WHEN n.failures > o.failures THEN n.error ELSE o.error END
    FROM new_tasks n JOIN old_tasks o USING (id)
    WHERE n.picked_at IS NULL AND o.picked_at IS NOT NULL
    ON CONFLICT DO NOTHING;
  END IF;
  IF which.depended_on THEN
    INSERT INTO ended_parents (task_id, state)
    SELECT n.id, n.state FROM new_tasks n JOIN old_tasks o USING (id)
    WHERE n.has_dependents AND n.state <> o.state AND n.state IN ('completed', 'failed', 'cancelled');
    IF FOUND THEN PERFORM pg_notify('taskmaster_parents', ''); END IF;
  END IF;
  IF which.keyed THEN
    PERFORM ready_keys(array_agg((lane, concurrency_key, lane_queue(lane), due_at)::lane_keys))
      FROM new_tasks WHERE concurrency_key IS NOT NULL AND state = 'pending' AND waits_for = 0 HAVING count(*) > 0;
    PERFORM free_keys(array_agg(lane_queue(n.lane)), array_agg(n.concurrency_key)) FROM new_tasks n JOIN old_tasks o USING (id)
      WHERE n.concurrency_key IS NOT NULL AND is_held(o.state) AND NOT is_held(n.state) HAVING count(*) > 0;
  END IF;
  WITH changed AS MATERIALIZED (
    SELECT n.id, n.attempt, n.state, o.state AS was, n.due_at,
           coalesce(n.worker_id, o.worker_id) AS worker_id, coalesce(n.slot, o.slot) AS slot,
           CASE WHEN n.state <> 'pending' THEN n.state WHEN n.failures <> o.failures OR o.failed_at IS NOT NULL THEN 'retrying' ELSE 'reassigned' END AS type,
           CASE WHEN n.state = 'assigned' THEN 1000 * date_part('epoch', n.picked_at - n.due_at)
             ELSE 1000 * date_part('epoch', coalesce(n.completed_at, n.failed_at) - n.started_at) END AS ms,
           CASE n.state WHEN 'assigned' THEN 'waited' ELSE 'ran' END AS clock,
           left(n.error, 100) AS text
    FROM new_tasks n JOIN old_tasks o USING (id) WHERE n.state <> o.state
  ), alike AS (
    SELECT state, was, worker_id, clock, count(*) AS count, sum(ms) AS ms, bucket_of(ms) AS bucket
    FROM changed GROUP BY state, was, worker_id, clock, bucket
  ), counted AS (
    INSERT INTO count_deltas (name, value)
      SELECT name, sum(value) FROM alike, count_parts(state, was, worker_id, clock, bucket, ms, count)
      WHERE name IS NOT NULL GROUP BY name HAVING sum(value) <> 0
  )
  SELECT array_agg(json_build_object('type', type, 'count', total, 'at', epoch_ms(clock_timestamp()), 'rows', rows)::text), 
         (SELECT epoch_ms(min(due_at)) - epoch_ms(clock_timestamp()) FROM changed WHERE state = 'pending')
  INTO notices, due_in
  FROM (
    SELECT type, total, json_agg(json_build_array(id, attempt, worker_id, slot, round(ms::numeric, 3), text)) AS rows
    FROM (SELECT *, row_number() OVER of_type AS n, count(*) OVER of_type AS total,
            count(text) OVER of_type AS texts FROM changed
          WINDOW of_type AS (PARTITION BY type RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) AS numbered
    WHERE n <= CASE texts WHEN 0 THEN 60 ELSE 10 END
    GROUP BY type, total
  ) AS sampled;
  PERFORM pg_notify('taskmaster_events', notice) FROM unnest(notices) AS notice;
  -- Room in a queue, or with a key, may let others run that were due long ago; so does the last task waited for.
  IF which.governed AND EXISTS (
    SELECT FROM new_tasks n JOIN old_tasks o USING (id) JOIN queues q ON q.name = lane_queue(n.lane) COLLATE "C"
    WHERE is_held(o.state) AND NOT is_held(n.state) AND q.limited
  ) THEN due_in := least(due_in, 0); END IF;
  IF due_in IS NOT NULL THEN PERFORM pg_notify('taskmaster_due', due_in::text); END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER tasks_inserted AFTER INSERT ON tasks
  REFERENCING NEW TABLE AS new_tasks FOR EACH STATEMENT EXECUTE FUNCTION tasks_inserted();
CREATE TRIGGER tasks_updated AFTER UPDATE ON tasks
  REFERENCING OLD TABLE AS old_tasks NEW TABLE AS new_tasks FOR EACH STATEMENT EXECUTE FUNCTION tasks_updated();
CREATE TRIGGER tasks_deleted AFTER DELETE ON tasks
  REFERENCING OLD TABLE AS old_tasks FOR EACH STATEMENT EXECUTE FUNCTION tasks_deleted();
