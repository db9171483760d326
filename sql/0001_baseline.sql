-- The schema, in chapters: names, tasks, what tasks say, queues, dependencies, schedules, the fleet, figures and notices,
-- changes, dependents, new lives, and tasks as people see them.
--
-- A task is a row of task_records from its submission to its end and after: written when it is submitted, and again when an
-- attempt is over. What moves lies apart, in tables that are as small as what is waiting and what is in flight:
--
--   ready  what may be claimed once it is due. A claim deletes its row,
--   held   and writes one here: the attempt that a worker has. Whoever ends the attempt deletes it.
--
-- The row of held is the fence: an attempt is ended by whoever deletes it, and its number is one more than those that are over
-- (task_records.attempt). Locks are taken in this order: rows of held, records, rows of ready, each by id. A claim locks rows of
-- ready alone, and waits for nobody.
--
-- Where rows are looked up by keys from elsewhere, `column = ANY (ARRAY[key])` says so: see src/shared/store/lookup.ts.

------------------------------------------------------------------------------------------------------------- Chapter 1: names

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

-- Whether limits of queues and keys can concern what is in a lane: not in the default queue without a key.
CREATE FUNCTION is_governed(lane text, concurrency_key text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT left(lane, 1) <> '/' OR concurrency_key IS NOT NULL
$$;

-- The claim walks tasks by routing key: a lane with its queue last, `need/label,label/queue`. All lanes that a worker cannot
-- run because of their executor or of one label lie side by side, so that the walk passes each such run with one look into the
-- index, however many lanes, priorities and queues are in it.
CREATE FUNCTION routing_key(lane text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT split_part(lane, '/', 2) || '/' || split_part(lane, '/', 3) || '/' || split_part(lane, '/', 1)
$$;

-- Executors as they stand in routing keys: the default one is left out.
CREATE FUNCTION needs_of(executors text[]) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT array_replace(executors, 'simulate', '')
$$;

-- Whether workers with these executors (as `needs_of` has them) and labels run what has that routing key. NULL: any worker.
CREATE FUNCTION runs_routing_key(key text, needs text[], labels text[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT needs IS NULL OR (split_part(key, '/', 1) = ANY (needs) AND string_to_array(split_part(key, '/', 2), ',') <@ labels)
$$;

-- Where the walk goes on after a routing key that such workers do not run: the smallest text after `key` that a routing key
-- can begin with which they do run. Of '': where the walk begins. NULL: nothing more can follow.
CREATE FUNCTION next_routing_key(key text, needs text[], labels text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  need   text := split_part(key, '/', 1);
  prefix text := need || '/';
  label  text;
  onward text;
BEGIN
  IF needs IS NULL THEN RETURN key; END IF;
  IF key <> '' AND need = ANY (needs) THEN
    FOREACH label IN ARRAY string_to_array(split_part(key, '/', 2), ',') LOOP
      -- With another label in place of this one, followed by more or by the queue; or with none in its place.
      SELECT least(onward COLLATE "C", min(c.start COLLATE "C")) INTO onward
        FROM unnest(labels) AS own (label), unnest('{",",/}'::text[]) AS s (mark), LATERAL (SELECT prefix || own.label || s.mark) AS c (start)
        WHERE c.start > key COLLATE "C";
      IF right(prefix, 1) = ',' THEN onward := least(onward COLLATE "C", left(prefix, -1) || '/' COLLATE "C"); END IF;
      EXIT WHEN label <> ALL (labels);
      prefix := prefix || label || ',';
    END LOOP;
    IF onward IS NOT NULL THEN RETURN onward; END IF;
  END IF;
  RETURN (SELECT min(n.need || '/' COLLATE "C") FROM unnest(needs) AS n (need)
    WHERE key = '' OR n.need || '/' > split_part(key, '/', 1) || '/' COLLATE "C");
END $$;

CREATE FUNCTION priority_name(priority smallint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE priority WHEN 0 THEN 'LOW' WHEN 1 THEN 'MEDIUM' WHEN 2 THEN 'HIGH' WHEN 3 THEN 'CRITICAL' ELSE 'OTHER' END
$$;

CREATE FUNCTION epoch_ms(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT (extract(epoch FROM at) * 1000)::bigint
$$;

------------------------------------------------------------------------------------------------------------- Chapter 2: tasks

-- What was asked for, and what came of it. Its end is an attempt's, so the times and the worker of the last attempt are
-- here too, once it is over; while one is in flight they are in `held`.
--
-- The order of the columns counts: what always has a value of one length comes first, then what indexes are made of.
CREATE TABLE task_records (
  id           uuid        PRIMARY KEY,
  created_at   timestamptz NOT NULL DEFAULT now(),
  scheduled_at timestamptz NOT NULL,              -- when its submitter wants it to run
  due_at       timestamptz NOT NULL,              -- when it may be claimed: scheduled_at, or a retry's time
  attempt      integer     NOT NULL DEFAULT 0,    -- attempts that are over: the fence
  waits_for    integer     NOT NULL DEFAULT 0,    -- tasks it depends on that have not ended
  cancel_grace_ms integer  NOT NULL DEFAULT 5000 CHECK (cancel_grace_ms >= 0),
  priority     smallint    NOT NULL DEFAULT 0,
  max_retries  smallint    NOT NULL DEFAULT 0 CHECK (max_retries >= 0),
  failures     smallint    NOT NULL DEFAULT 0,    -- attempts that failed, charged against max_retries
  losses       smallint    NOT NULL DEFAULT 0,    -- attempts that ran on a worker that was lost
  has_dependents boolean   NOT NULL DEFAULT false,
  lane         text COLLATE "C" NOT NULL DEFAULT '//',

  picked_at    timestamptz,                       -- of the attempt that it ended with
  worker_id    bigint,
  started_at   timestamptz,
  completed_at timestamptz,
  failed_at    timestamptz,
  cancelled_at timestamptz,
  concurrency_key text COLLATE "C",               -- those of one key share its limits and take turns with others
  workflow_id  uuid,
  idempotency_key text,                           -- as it was asked for; what the key stands for is in idempotency_keys

  cancel_requested_at timestamptz,                -- while it is in flight: its worker is being told
  slot         smallint,
  timeout_ms           integer CHECK (timeout_ms > 0),               -- NULL: none
  retry_backoff_ms     integer CHECK (retry_backoff_ms >= 0),        -- NULL: the coordinator's, as is the cap
  retry_backoff_cap_ms integer CHECK (retry_backoff_cap_ms >= 0),
  parents      integer,                           -- tasks it depends on; NULL: none
  on_parent_failure text,                         -- 'skip' or 'continue'; NULL: it fails, too
  workflow_key text,                              -- its name within the workflow
  schedule_id  uuid,                              -- the schedule that it is of, and for which tick
  tick_at      timestamptz,
  progress     real CHECK (progress BETWEEN 0 AND 1),                -- as the last attempt reported it; NULL: it did not
  name         text        NOT NULL DEFAULT '',
  description  text        NOT NULL DEFAULT '',
  command      text        NOT NULL,
  executor     text        NOT NULL DEFAULT 'simulate',
  payload      jsonb,
  error        text,
  output       text,
  result       jsonb,                             -- of the attempt that completed
  error_stack  text,                              -- where `error` was thrown, when its executor knows

  CONSTRAINT ends_once           CHECK (num_nonnulls(completed_at, failed_at, cancelled_at) <= 1),
  CONSTRAINT picked_when_due     CHECK (picked_at IS NULL OR picked_at >= due_at),
  CONSTRAINT picked_has_owner    CHECK ((picked_at IS NULL) = (worker_id IS NULL) AND (picked_at IS NULL OR attempt > 0)),
  CONSTRAINT started_after_pick  CHECK (started_at IS NULL OR (picked_at IS NOT NULL AND started_at >= picked_at)),
  CONSTRAINT completed_after_run CHECK (completed_at IS NULL OR (started_at IS NOT NULL AND completed_at >= started_at)),
  -- One that depends on what failed fails without a worker.
  CONSTRAINT failed_after_pick   CHECK (failed_at IS NULL OR picked_at IS NULL OR failed_at >= picked_at)
) WITH (
  fillfactor = 60,                                -- room for the row version of its end
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
  autovacuum_analyze_scale_factor = 0.05,
  autovacuum_vacuum_cost_delay = 0
);

-- Lists by state, newest first of each priority: in order of time, those of the priorities are merged. What has not ended is on
-- one list; what is in flight is little, and is left out of those that wait.
CREATE INDEX tasks_open      ON task_records (priority DESC, scheduled_at DESC, id DESC)
  WHERE coalesce(completed_at, failed_at, cancelled_at) IS NULL;
CREATE INDEX tasks_retrying  ON task_records (priority DESC, scheduled_at DESC, id DESC)
  WHERE failures > 0 AND coalesce(completed_at, failed_at, cancelled_at) IS NULL;
CREATE INDEX tasks_completed ON task_records (priority DESC, scheduled_at DESC, id DESC) WHERE completed_at IS NOT NULL;
CREATE INDEX tasks_failed    ON task_records (priority DESC, scheduled_at DESC, id DESC) WHERE failed_at IS NOT NULL;
CREATE INDEX tasks_cancelled ON task_records (priority DESC, scheduled_at DESC, id DESC) WHERE cancelled_at IS NOT NULL;
CREATE INDEX tasks_workflow ON task_records (workflow_id) WHERE workflow_id IS NOT NULL;

-- Which task an idempotency key stands for. Its row is inserted before the task's, in the same statement, and deleted by the one
-- that deletes the task. In a table of its own, so that a task without a key costs no index entry, and that how long a key
-- counts is not bound to how long, or in how many tables, tasks are kept.
CREATE TABLE idempotency_keys (
  key          text COLLATE "C" PRIMARY KEY,
  task_id      uuid NOT NULL,
  request_hash text                               -- of what was asked for under it; NULL: nobody can ask for the same
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0);

-- What may be claimed once it is due: tasks that nobody has and that wait for no other. Rows are inserted and deleted, never
-- updated, and are those of their records: a record's lane, key, priority, due_at and id lead to its row by an index.
CREATE TABLE ready (
  task_id  uuid        NOT NULL,
  due_at   timestamptz NOT NULL,
  attempt  integer     NOT NULL,                  -- the one that a claim makes
  priority smallint    NOT NULL,
  routing  text COLLATE "C" NOT NULL,             -- routing_key(lane)
  lane     text COLLATE "C" NOT NULL,
  concurrency_key text COLLATE "C"
) WITH (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_scale_factor = 0.5
);
CREATE INDEX ready_claimable ON ready (routing, priority DESC, due_at, task_id) WHERE concurrency_key IS NULL;
-- Those with a key. (Of the conditions of an index, what tells most rows apart comes first: they are tried in order.)
CREATE INDEX ready_keyed ON ready (lane, concurrency_key, priority DESC, due_at, task_id) WHERE concurrency_key IS NOT NULL;

-- Which routing keys and priorities `ready` has had rows of, but for those with a concurrency key. The claim looks here for
-- where to look there, so that it never walks past what others have claimed: while a transaction is left open anywhere, what was
-- deleted stays in the way. A row is added once a day and level, or a few by those who do so at once, since nobody may wait for
-- another's commit; the older ones go.
CREATE TABLE levels (
  routing  text COLLATE "C" NOT NULL,
  priority smallint NOT NULL,
  lane     text COLLATE "C" NOT NULL,
  used_on  date     NOT NULL DEFAULT current_date
);
CREATE INDEX levels_walk ON levels (routing, priority DESC);
CREATE INDEX levels_used ON levels (used_on);

-- What is in flight: the attempt that a worker has.
CREATE TABLE held (
  task_id    uuid        PRIMARY KEY,
  picked_at  timestamptz NOT NULL,
  worker_id  bigint      NOT NULL,
  attempt    integer     NOT NULL,
  lane       text COLLATE "C" NOT NULL,
  concurrency_key text COLLATE "C",
  started_at timestamptz CHECK (started_at >= picked_at),
  slot       smallint,
  progress   real CHECK (progress BETWEEN 0 AND 1)
) WITH (
  fillfactor = 70,                                -- room for the HOT update of started_at
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_scale_factor = 0.5
);
CREATE INDEX held_by_worker ON held (worker_id);
-- What counts against the limits of a queue and of a key.
CREATE INDEX held_governed ON held (lane_queue(lane), concurrency_key) WHERE is_governed(lane, concurrency_key);

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

-------------------------------------------------------------------------------------------------- Chapter 3: what tasks say

-- A line of an attempt, kept as long as its task. Written before the attempt's end is, so whoever reads an ended task
-- finds all of them. `seq` rises within the attempt and may skip.
--   taskmaster_logs    ids of tasks that have new lines or a new progress, separated by commas, or `*` for any
CREATE TABLE task_logs (
  task_id uuid        NOT NULL,
  attempt integer     NOT NULL,
  seq     integer     NOT NULL,
  at      timestamptz NOT NULL,
  stream  text        NOT NULL CHECK (stream IN ('stdout', 'stderr', 'log')),
  text    text        NOT NULL,
  PRIMARY KEY (task_id, attempt, seq)
);

----------------------------------------------------------------------------------------------- Chapter 4: queues

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
CREATE INDEX lane_keys_ready ON lane_keys (routing_key(lane), ready_at);

-- How many claims of a queue, or of one of its keys, each short span of time saw: `until` is the span's end. Each counts
-- until a whole period after it, so that no period of that length ever has more than the rate.
CREATE TABLE rate_uses (
  queue text COLLATE "C" NOT NULL,
  key   text COLLATE "C" NOT NULL,                         -- '': the queue as a whole
  until timestamptz NOT NULL,
  count integer NOT NULL,
  PRIMARY KEY (queue, key, until)                          -- rows of one queue or key: at most about 50 that count
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

----------------------------------------------------------------------------------------- Chapter 5: dependencies

-- Which task depends on which; resolved once what it depends on has ended.
CREATE TABLE dependencies (
  task_id     uuid NOT NULL,
  depends_on  uuid NOT NULL,
  resolved_at timestamptz,
  ended_child boolean NOT NULL DEFAULT false,              -- its failure is why the dependent ended
  PRIMARY KEY (task_id, depends_on)
);
CREATE INDEX dependencies_of ON dependencies (depends_on);
CREATE INDEX dependencies_open ON dependencies (depends_on, task_id) WHERE resolved_at IS NULL;

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

-------------------------------------------------------------------------------------------- Chapter 6: schedules

-- Schedules, and what became of each of their ticks.
CREATE TABLE schedules (
  id          uuid        PRIMARY KEY,
  name        text        NOT NULL,
  cron        text,                              -- either a pattern in a zone, or an interval from an anchor
  time_zone   text        NOT NULL DEFAULT 'UTC',
  every_ms    bigint      CHECK (every_ms > 0),
  anchor_at   timestamptz,
  starts_at   timestamptz,                       -- no tick before, none after
  ends_at     timestamptz,
  task        jsonb       NOT NULL,              -- as it would be submitted
  catch_up    text        NOT NULL CHECK (catch_up IN ('skip', 'last', 'all')),
  catch_up_window_ms bigint NOT NULL CHECK (catch_up_window_ms >= 0),
  overlap     text        NOT NULL CHECK (overlap IN ('allow', 'skip', 'queue')),

  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  version     integer     NOT NULL DEFAULT 1,    -- raised by every edit
  paused_at   timestamptz,
  next_at     timestamptz,                       -- the first tick that is not in the ledger; NULL: there is none
  wake_at     timestamptz,                       -- when to look at it: next_at, or earlier for ticks in its queue
  ticks       bigint      NOT NULL DEFAULT 0,    -- rows ever written to the ledger
  queued      integer     NOT NULL DEFAULT 0,    -- those of them that wait
  last_task_id uuid,                             -- the task that a tick started last

  CONSTRAINT cron_or_interval CHECK (num_nonnulls(cron, every_ms) = 1 AND (every_ms IS NULL) = (anchor_at IS NULL)),
  CONSTRAINT rests_while_paused CHECK (paused_at IS NULL OR wake_at IS NULL)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE UNIQUE INDEX schedules_name ON schedules (name);
CREATE INDEX schedules_wake ON schedules (wake_at) WHERE wake_at IS NOT NULL;

-- The ledger: one row per tick. Its key is what makes a tick fire once, whoever fires it.
CREATE TABLE schedule_ticks (
  schedule_id uuid        NOT NULL,
  tick_at     timestamptz NOT NULL,
  outcome     text        NOT NULL CHECK (outcome IN ('fired', 'caught_up', 'queued', 'skipped', 'backfilled', 'by_hand')),
  reason      text,
  task_id     uuid,
  lag_ms      float8      NOT NULL,              -- from the tick to its outcome, by the database's clock
  at          timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (schedule_id, tick_at),
  CONSTRAINT started_has_task CHECK ((task_id IS NULL) = (outcome IN ('queued', 'skipped')))
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX schedule_ticks_queued ON schedule_ticks (schedule_id, tick_at) WHERE outcome = 'queued';

-------------------------------------------------------------------------------------------- Chapter 7: the fleet

-- Workers: one row per worker process. The row is the lease of every task the worker holds; its
-- coordinator refreshes it, and the database's clock alone judges it.
CREATE TABLE workers (
  id             bigint      PRIMARY KEY CHECK (id BETWEEN 0 AND 4294967295),
  name           text        NOT NULL,
  address        text        NOT NULL DEFAULT '',
  link           text        NOT NULL CHECK (link IN ('stream', 'push')),
  slots          integer     NOT NULL CHECK (slots > 0),
  labels         text[]      NOT NULL DEFAULT '{}',
  executors      text[]      NOT NULL DEFAULT '{}',
  hostname       text        NOT NULL DEFAULT '',
  pid            integer     NOT NULL DEFAULT 0,
  coordinator_id uuid        NOT NULL,            -- the coordinator process that holds its link
  session        uuid        NOT NULL,            -- that link: a new one fences the old one's goodbye
  draining       boolean     NOT NULL DEFAULT false,
  registered_at  timestamptz NOT NULL DEFAULT now(),
  last_seen_at   timestamptz NOT NULL DEFAULT now(),
  offline_at     timestamptz,
  -- The number of the hello by which it was registered. One with a lower number was overtaken on another way: what it says
  -- that the worker holds is out of date.
  greeting       bigint      NOT NULL DEFAULT 0
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE INDEX workers_online ON workers (id) WHERE offline_at IS NULL;

-- Which schedulers and coordinators run: one row per process, which it writes anew about once a second. So a database
-- that takes no writes is noticed while nothing else is written, and coordinators are found without being named.
CREATE TABLE services (
  id         uuid        PRIMARY KEY,
  kind       text        NOT NULL CHECK (kind IN ('scheduler', 'coordinator')),
  address    text        NOT NULL DEFAULT '',     -- host:port where it can be asked how it is
  started_at timestamptz NOT NULL DEFAULT now(),
  seen_at    timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- What the autoscalers of all schedulers share: whose turn it is to look, and what is kept from look to look. One row.
CREATE TABLE autoscaling (
  looked_at timestamptz NOT NULL DEFAULT '-infinity',
  kept      jsonb,
  one       boolean     PRIMARY KEY DEFAULT true CHECK (one)
) WITH (fillfactor = 50);
INSERT INTO autoscaling DEFAULT VALUES;

---------------------------------------------------------------------------------- Chapter 8: figures and notices

-- Counts that are kept, not counted. Every statement that changes tasks appends what it changed to count_deltas, in its own
-- transaction and without waiting for anybody; a fold moves what is finished into counts. A count is its row in counts and the
-- deltas that were not yet folded, read in one snapshot.
CREATE TABLE counts (
  name  text   PRIMARY KEY,                       -- a state; 'ever:<state>', which deletion does not lower; 'submitted:<PRIORITY>'; 'worker:<id>'; …
  value bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE count_deltas (
  xid     xid8     NOT NULL DEFAULT pg_current_xact_id(),
  names   text[]   NOT NULL,                       -- one that is NULL counts nothing
  amounts bigint[] NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX count_deltas_xid ON count_deltas (xid);

-- Deltas of transactions that this snapshot sees are in counts. One row. It tells those that are not from those that were
-- folded and are still in the table because somebody has left a transaction open: nobody walks past them.
CREATE TABLE counts_folded (
  at  pg_snapshot NOT NULL,
  one boolean PRIMARY KEY DEFAULT true CHECK (one)
) WITH (fillfactor = 50);
INSERT INTO counts_folded (at) VALUES (pg_current_snapshot());

-- The deltas of transactions that a snapshot does not see: of later ones, and of those that were going on.
CREATE FUNCTION deltas_after(at pg_snapshot) RETURNS TABLE (place tid, names text[], amounts bigint[]) LANGUAGE sql STABLE AS $$
  SELECT d.ctid, d.names, d.amounts FROM count_deltas d WHERE d.xid >= pg_snapshot_xmax(at)
  UNION ALL
  SELECT d.ctid, d.names, d.amounts FROM count_deltas d WHERE d.xid = ANY (ARRAY(SELECT pg_snapshot_xip(at)))
$$;

-- Every name with its value now.
CREATE VIEW current_counts AS
  SELECT name, sum(value)::bigint AS value FROM (
    SELECT name, value FROM counts
    UNION ALL
    SELECT d.name, d.value FROM counts_folded f, deltas_after(f.at) a, unnest(a.names, a.amounts) AS d (name, value)
    WHERE d.name IS NOT NULL
  ) AS parts GROUP BY name;

-- Moves finished deltas into counts; returns how many names changed. Any process may call it at any time:
-- whoever holds the row works, the others pass by.
CREATE FUNCTION fold_counts() RETURNS bigint LANGUAGE sql AS $$
  WITH mark AS MATERIALIZED (
    -- After a restore from another server its transactions seem to be to come: then all there are have been.
    SELECT CASE WHEN pg_snapshot_xmax(at) > pg_snapshot_xmax(pg_current_snapshot()) THEN '1:1:' ELSE at END AS since,
      pg_current_snapshot() AS until
    FROM counts_folded FOR UPDATE SKIP LOCKED
  ), folded AS (
    DELETE FROM count_deltas d WHERE d.ctid = ANY (ARRAY(SELECT a.place FROM mark m, deltas_after(m.since) a))
    RETURNING d.names, d.amounts
  ), moved AS (
    UPDATE counts_folded SET at = until FROM mark WHERE until::text <> since::text
  ), added AS (
    INSERT INTO counts (name, value)
    SELECT d.name, sum(d.value) FROM folded f, unnest(f.names, f.amounts) AS d (name, value) WHERE d.name IS NOT NULL
    GROUP BY d.name ORDER BY d.name
    ON CONFLICT (name) DO UPDATE SET value = counts.value + excluded.value
    RETURNING 1
  )
  SELECT count(*) FROM added
$$;

-- What a change of `count` tasks that are alike adds to the counts; `ms` is the sum of their times.
CREATE FUNCTION count_parts(state text, was text, worker_id bigint, clock text, bucket int, ms float8, count bigint)
  RETURNS TABLE (name text, value bigint) LANGUAGE sql IMMUTABLE AS $$
  VALUES
    (state, count),
    (was, -count),
    (CASE WHEN state IN ('completed', 'failed', 'cancelled') THEN 'ever:' || state END, count),
    (CASE state WHEN 'completed' THEN 'worker:' || worker_id END, count),
    (clock || ':' || bucket, count),
    (clock || '_ms', ms::bigint)
$$;

-- The bucket of a time in the histograms `waited` and `ran`.
CREATE FUNCTION bucket_of(ms float8) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT width_bucket(ms, '{1,2,4,8,16,32,64,100,200,400,800,1600,3200,6400,12800,25600,51200}'::float8[])
$$;

-- Notices are hints: what they tell is in the tables. PostgreSQL refuses a whole transaction at its commit when the queue of
-- notices is full, which any session of any database of the server can bring about; so a change tells nobody when the queue is
-- half full, and readers look by themselves until it is not.
--
-- To ask how full it is moves its tail on. Nothing else does where nobody can notify, so that without it the queue would stay
-- full after whoever filled it has left.

CREATE FUNCTION notify_hint(channel text, payload text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF pg_notification_queue_usage() < 0.5 THEN PERFORM pg_notify(own_channel(channel), payload); END IF;
END $$;

-- A channel and what is told on it, one after the other, of several notices. Statements that change tasks return them, and
-- whoever has committed one passes them on. A transaction that notifies by itself takes a lock of the whole cluster when it
-- commits, and has it until the commit is on disk, so that of all such one commits at a time.
CREATE FUNCTION send_notices(notices text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  FOR n IN 1 .. coalesce(cardinality(notices), 0) / 2 LOOP
    PERFORM notify_hint(notices[2 * n - 1], notices[2 * n]);
  END LOOP;
END $$;

-- The name of one of our channels: that of another schema has another prefix.
DO $$
BEGIN
  EXECUTE format('CREATE FUNCTION own_channel(channel text) RETURNS text LANGUAGE sql IMMUTABLE AS %L',
    format('SELECT regexp_replace(channel, ''^taskmaster_'', %L)', current_schema() || '_'));
END $$;

CREATE FUNCTION worker_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM notify_hint('taskmaster_events', json_build_object(
    'type', CASE WHEN NEW.offline_at IS NULL THEN 'worker_online' ELSE 'worker_offline' END,
    'count', 1, 'at', epoch_ms(clock_timestamp()),
    'rows', json_build_array(json_build_array(NULL, NULL, NEW.id, NULL, NULL,
      'Worker ' || left(NEW.name, 200) || CASE WHEN NEW.offline_at IS NULL THEN ' is online' ELSE ' is offline' END)))::text);
  RETURN NULL;
END $$;
CREATE TRIGGER worker_registered AFTER INSERT ON workers FOR EACH ROW EXECUTE FUNCTION worker_changed();
CREATE TRIGGER worker_came_or_went AFTER UPDATE ON workers
  FOR EACH ROW WHEN ((OLD.offline_at IS NULL) <> (NEW.offline_at IS NULL)) EXECUTE FUNCTION worker_changed();

-- Notes that keys have tasks which may be served from these times. Returns the notices of it.
CREATE FUNCTION ready_keys(keys lane_keys[]) RETURNS text[] LANGUAGE sql AS $$
  WITH noted AS (
    INSERT INTO lane_keys AS k (lane, key, queue, ready_at)
    SELECT lane, key, queue, min(ready_at) FROM unnest(keys) GROUP BY queue, key, lane ORDER BY queue, key, lane
    ON CONFLICT (queue, key, lane) DO UPDATE SET ready_at = least(k.ready_at, excluded.ready_at)
    RETURNING xmax = 0 AS is_new
  )
  SELECT CASE WHEN count(*) > 0 THEN '{taskmaster_queues,""}'::text[] END FROM noted WHERE is_new
$$;

-- Notes that these keys have room again, as far as any of their tasks wait. Whatever they were noted for: a claim that
-- has not been committed may just now find them full. Returns the notices of it.
CREATE FUNCTION free_keys(queues text[], keys text[]) RETURNS text[] LANGUAGE sql
  SET enable_nestloop = on SET enable_hashjoin = off AS $$
  SELECT ready_keys(array_agg((k.lane, k.key, k.queue, now())::lane_keys))
  FROM (SELECT DISTINCT queue, key FROM unnest(queues, keys) AS f (queue, key)) AS freed
  JOIN queues q ON q.name = freed.queue COLLATE "C" AND q.key_concurrency IS NOT NULL
  JOIN lane_keys k ON k.queue = freed.queue COLLATE "C" AND k.key = freed.key COLLATE "C"
  HAVING count(*) > 0
$$;

--------------------------------------------------------------------------------------------------------- Chapter 9: changes

-- Whoever changes tasks says so, by the functions of this chapter, in the same transaction: they keep the figures right, note
-- what concerns others (keys that have room, tasks that others depend on), and return the notices for those who listen:
--   taskmaster_due     ms until the earliest task of the statement becomes claimable (negative: overdue)
--   taskmaster_events  {"type", "count", "at", "rows": [[task, attempt, worker, slot, ms, text], …]}; at most
--                      60 rows (10 if any has text) stand for `count` tasks, so a payload never reaches 8,000 bytes.
--                      ms is the run time of what ended; it is null where the attempt had not started.

CREATE FUNCTION is_held(state text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT state IN ('assigned', 'running') $$;
CREATE FUNCTION is_ended(state text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT state IN ('completed', 'failed', 'cancelled') $$;

-- A task that is in another state than before, and what is to be known of it.
CREATE TYPE change AS (
  task_id    uuid,
  attempt    integer,
  was        text,
  state      text,
  kind       text,                                -- of the event: the state, or why it is pending again
  worker_id  bigint,
  slot       smallint,
  ms         float8,                              -- how long it waited, if it is assigned; else how long it ran
  text       text,                                -- its error
  due_at     timestamptz,
  lane       text,
  concurrency_key text,
  has_dependents  boolean
);

CREATE FUNCTION note_changes(changes change[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  notices     text[] := '{}';
  one         change;
  alike       record;
  depended_on boolean := false;
  governed    boolean := false;
  first_due   timestamptz;
  due_in      bigint;
BEGIN
  IF changes IS NULL THEN RETURN NULL; END IF;
  -- On an idle system a claim is of a single task, and stands between a request and its start.
  one := changes[1];
  IF cardinality(changes) = 1 AND one.state <> 'pending' AND NOT one.has_dependents AND NOT is_governed(one.lane, one.concurrency_key) THEN
    INSERT INTO count_deltas (names, amounts) SELECT array_agg(p.name), array_agg(p.value)
      FROM count_parts(one.state, one.was, one.worker_id, CASE one.state WHEN 'assigned' THEN 'waited' ELSE 'ran' END, bucket_of(one.ms), one.ms, 1) AS p
      WHERE p.value <> 0;
    RETURN ARRAY['taskmaster_events', json_build_object('type', one.kind, 'count', 1,
      'at', epoch_ms(clock_timestamp()), 'rows', json_build_array(json_build_array(one.task_id, one.attempt,
        one.worker_id, one.slot, round(one.ms::numeric, 3), left(one.text, 100))))::text];
  END IF;
  FOR alike IN
    SELECT c.kind, count(*) AS total, count(c.text) AS texts, bool_or(c.has_dependents AND is_ended(c.state)) AS depended_on,
      bool_or(is_governed(c.lane, c.concurrency_key)) AS governed, min(c.due_at) FILTER (WHERE c.state = 'pending') AS due_at
    FROM unnest(changes) AS c GROUP BY c.kind
  LOOP
    notices := notices || (SELECT ARRAY['taskmaster_events', json_build_object('type', alike.kind, 'count', alike.total, 'at', epoch_ms(clock_timestamp()),
      'rows', json_agg(json_build_array(few.task_id, few.attempt, few.worker_id, few.slot, round(few.ms::numeric, 3), left(few.text, 100))))::text]
      FROM (SELECT * FROM unnest(changes) AS c WHERE c.kind = alike.kind LIMIT CASE alike.texts WHEN 0 THEN 60 ELSE 10 END) AS few);
    depended_on := depended_on OR alike.depended_on;
    governed := governed OR alike.governed;
    first_due := least(first_due, alike.due_at);
  END LOOP;
  INSERT INTO count_deltas (names, amounts) SELECT array_agg(p.name), array_agg(p.value) FROM (
    SELECT name, sum(value)::bigint AS value FROM (
      SELECT c.state, c.was, c.worker_id, CASE c.state WHEN 'assigned' THEN 'waited' ELSE 'ran' END AS clock,
        bucket_of(c.ms) AS bucket, count(*) AS count, sum(c.ms) AS ms
      FROM unnest(changes) AS c GROUP BY 1, 2, 3, 4, 5
    ) AS same, count_parts(state, was, worker_id, clock, bucket, ms, count)
    WHERE name IS NOT NULL GROUP BY name HAVING sum(value) <> 0
  ) AS p HAVING count(*) > 0;
  IF depended_on THEN
    INSERT INTO ended_parents (task_id, state) SELECT c.task_id, c.state FROM unnest(changes) AS c WHERE c.has_dependents AND is_ended(c.state);
    notices := notices || '{taskmaster_parents,""}'::text[];
  END IF;
  due_in := epoch_ms(first_due) - epoch_ms(clock_timestamp());
  IF governed THEN
    notices := notices || (
      SELECT ready_keys(array_agg((c.lane, c.concurrency_key, lane_queue(c.lane), c.due_at)::lane_keys)) FROM unnest(changes) AS c
      WHERE c.concurrency_key IS NOT NULL AND c.state = 'pending' HAVING count(*) > 0);
    notices := notices || (
      SELECT free_keys(array_agg(lane_queue(c.lane)), array_agg(c.concurrency_key)) FROM unnest(changes) AS c
      WHERE c.concurrency_key IS NOT NULL AND is_held(c.was) AND NOT is_held(c.state) HAVING count(*) > 0);
    -- Room in a queue, or with a key, may let others run that were due long ago.
    IF EXISTS (
      SELECT FROM unnest(changes) AS c JOIN queues q ON q.name = lane_queue(c.lane) COLLATE "C"
      WHERE is_held(c.was) AND NOT is_held(c.state) AND q.limited
    ) THEN due_in := least(due_in, 0); END IF;
  END IF;
  IF due_in IS NOT NULL THEN notices := notices || ARRAY['taskmaster_due', due_in::text]; END IF;
  RETURN notices;
END $$;

-- Tasks that were stored: how many, of the priorities LOW to CRITICAL and of others, the first that may be claimed, some of
-- them, and of those that limits can concern, the lanes, the keys, and when they are due (NULL: they wait for others). Returns
-- the notices.
CREATE FUNCTION note_stored(total bigint, of_priority bigint[], first_due timestamptz, sample uuid[],
    lanes text[], keys text[], dues timestamptz[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  notices text[] := '{}';
BEGIN
  IF total = 0 THEN RETURN NULL; END IF;
  INSERT INTO count_deltas (names, amounts)
    VALUES ('{pending,submitted:LOW,submitted:MEDIUM,submitted:HIGH,submitted:CRITICAL,submitted:OTHER}', total || of_priority);
  IF first_due IS NOT NULL THEN
    notices := ARRAY['taskmaster_due', (epoch_ms(first_due) - epoch_ms(clock_timestamp()))::text];
  END IF;
  notices := notices || ARRAY['taskmaster_events', json_build_object('type', 'scheduled', 'count', total, 'at', epoch_ms(clock_timestamp()),
    'rows', (SELECT json_agg(json_build_array(s.id, 0)) FROM unnest(sample) AS s (id)))::text];
  IF lanes IS NULL THEN RETURN notices; END IF;
  INSERT INTO queues (name) SELECT DISTINCT lane_queue(g.lane) FROM unnest(lanes) AS g (lane) WHERE left(g.lane, 1) <> '/' ORDER BY 1
    ON CONFLICT DO NOTHING;
  RETURN notices || (
    SELECT ready_keys(array_agg((g.lane, g.key, lane_queue(g.lane), g.due_at)::lane_keys)) FROM unnest(lanes, keys, dues) AS g (lane, key, due_at)
    WHERE g.key IS NOT NULL AND g.due_at IS NOT NULL HAVING count(*) > 0);
END $$;

-- Notes that tasks of these lanes and priorities may be claimed.
CREATE FUNCTION note_levels(lanes text[], priorities smallint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO levels (routing, priority, lane)
    SELECT DISTINCT routing_key(g.lane), g.priority, g.lane FROM unnest(lanes, priorities) AS g (lane, priority)
    WHERE NOT EXISTS (SELECT FROM levels l WHERE l.routing = routing_key(g.lane) AND l.priority = g.priority AND l.used_on >= current_date);
END $$;

-- Lets these tasks be claimed, as far as they wait for nothing, have not ended and nobody has them. Their records are locked.
CREATE FUNCTION make_ready(given uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  lanes      text[];
  priorities smallint[];
  keys       lane_keys[];
BEGIN
  -- Each by its key, whatever the statistics say of tables that are empty now and then.
  WITH free AS MATERIALIZED (
    SELECT t.* FROM (SELECT DISTINCT u.id FROM unnest(given) AS u (id)) AS g CROSS JOIN LATERAL (
      SELECT o.id, o.due_at, o.attempt, o.priority, o.lane, o.concurrency_key FROM task_records o
      WHERE o.id = g.id AND o.waits_for = 0 AND coalesce(o.completed_at, o.failed_at, o.cancelled_at) IS NULL
        AND (SELECT true FROM held h WHERE h.task_id = o.id LIMIT 1) IS NULL LIMIT 1
    ) AS t
  ), queued AS (
    INSERT INTO ready (task_id, due_at, attempt, priority, routing, lane, concurrency_key)
      SELECT f.id, f.due_at, f.attempt + 1, f.priority, routing_key(f.lane), f.lane, f.concurrency_key FROM free f
  )
  SELECT array_agg(f.lane) FILTER (WHERE f.concurrency_key IS NULL), array_agg(f.priority) FILTER (WHERE f.concurrency_key IS NULL),
      array_agg((f.lane, f.concurrency_key, lane_queue(f.lane), f.due_at)::lane_keys) FILTER (WHERE f.concurrency_key IS NOT NULL)
    INTO lanes, priorities, keys FROM free f;
  IF lanes IS NOT NULL THEN PERFORM note_levels(lanes, priorities); END IF;
  IF keys IS NOT NULL THEN PERFORM send_notices(ready_keys(keys)); END IF;
END $$;

-- Takes these tasks back, as far as they may be claimed, and returns them: whoever claims them at the same time is waited for,
-- and then has them. Their records are locked.
CREATE FUNCTION take_ready(given uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
BEGIN
  -- Each by its place in the index, whatever the statistics say of a table that is empty now and then.
  RETURN QUERY DELETE FROM ready q WHERE q.ctid = ANY (ARRAY(
    SELECT p.place FROM unnest(given) AS g (id) CROSS JOIN LATERAL (
      SELECT o.id, o.lane, o.priority, o.due_at, o.concurrency_key FROM task_records o WHERE o.id = g.id LIMIT 1
    ) AS t CROSS JOIN LATERAL (
      (SELECT r.ctid AS place FROM ready r
        WHERE t.concurrency_key IS NULL AND r.concurrency_key IS NULL AND r.routing = routing_key(t.lane)
          AND r.priority = t.priority AND r.due_at = t.due_at AND r.task_id = t.id LIMIT 1)
      UNION ALL
      (SELECT r.ctid AS place FROM ready r
        WHERE r.concurrency_key IS NOT NULL AND r.concurrency_key = t.concurrency_key AND r.lane = t.lane
          AND r.priority = t.priority AND r.due_at = t.due_at AND r.task_id = t.id LIMIT 1)
    ) AS p
  )) RETURNING q.task_id;
END $$;

-- Ends the tasks that nobody has, and marks the others, whose workers are to be told. Returns those that were concerned.
CREATE FUNCTION cancel_tasks(given uuid[]) RETURNS TABLE (id uuid, ended boolean) LANGUAGE plpgsql AS $$
DECLARE
  waiting uuid[];
  holders bigint[];
BEGIN
  PERFORM FROM task_records t WHERE t.id = ANY (given) ORDER BY t.id FOR NO KEY UPDATE;
  waiting := ARRAY(SELECT take_ready(given)) || ARRAY(
    SELECT t.id FROM task_records t WHERE t.id = ANY (given) AND t.waits_for > 0 AND NOT EXISTS (SELECT FROM held h WHERE h.task_id = t.id));
  -- Whoever has the others has them for good: to put one back or to end it, its record is needed.
  RETURN QUERY
    WITH marked AS (
      UPDATE task_records t SET cancel_requested_at = coalesce(t.cancel_requested_at, now()),
        cancelled_at = CASE WHEN t.id = ANY (waiting) THEN now() END
      WHERE t.id = ANY (given) AND coalesce(t.completed_at, t.failed_at, t.cancelled_at) IS NULL
      RETURNING t.id, t.attempt, t.error, t.due_at, t.lane, t.concurrency_key, t.has_dependents, t.cancelled_at IS NOT NULL AS ended
    ), noted AS (
      SELECT send_notices(note_changes(array_agg((m.id, m.attempt, 'pending', 'cancelled', 'cancelled', NULL, NULL, NULL, m.error, m.due_at, m.lane,
        m.concurrency_key, m.has_dependents)::change))) FROM marked m WHERE m.ended
    )
    SELECT m.id, m.ended FROM marked m LEFT JOIN noted ON true;
  SELECT array_agg(DISTINCT h.worker_id) INTO holders FROM held h WHERE h.task_id = ANY (given) AND h.task_id <> ALL (waiting);
  IF holders IS NOT NULL THEN
    PERFORM notify_hint('taskmaster_cancel', CASE WHEN cardinality(holders) <= 500 THEN array_to_string(holders, ',') ELSE '*' END);
  END IF;
END $$;

-- Makes waiting tasks due now, whatever time they were scheduled for or would be retried at, and returns them.
CREATE FUNCTION hasten_tasks(given uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
  taken    uuid[];
  hastened uuid[];
BEGIN
  PERFORM FROM task_records t WHERE t.id = ANY (given) ORDER BY t.id FOR NO KEY UPDATE;
  taken := ARRAY(SELECT take_ready(given));
  WITH moved AS (
    UPDATE task_records t SET due_at = least(t.due_at, now()), scheduled_at = least(t.scheduled_at, now())
    WHERE t.id = ANY (given) AND coalesce(t.completed_at, t.failed_at, t.cancelled_at) IS NULL
      AND (t.id = ANY (taken) OR t.waits_for > 0 AND NOT EXISTS (SELECT FROM held h WHERE h.task_id = t.id))
    RETURNING t.id
  )
  SELECT array_agg(m.id) INTO hastened FROM moved m;
  IF hastened IS NULL THEN RETURN; END IF;
  PERFORM make_ready(taken);
  PERFORM notify_hint('taskmaster_due', '0');
  RETURN QUERY SELECT h.id FROM unnest(hastened) AS h (id);
END $$;

----------------------------------------------------------------------------------------------------- Chapter 10: dependents

-- What becomes of tasks when those that they depend on end.
-- Whoever changes the edges of a task holds the task's lock, and locks tasks in the order of their ids; waits_for is the
-- number of its edges that are not resolved.

-- Tells dependents that what they depend on has ended: of at most so many ended tasks, and at most so many dependents.
-- Returns how many ended tasks were looked at; with none, nothing is left that nobody else is telling.
-- A task that was given a new life since it ended is not told of: it will end again.
CREATE FUNCTION resolve_dependents(most_parents integer, most_edges integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  told     bigint[];
  enders   uuid[];
  states   text[];
  children uuid[];
  of       uuid[];
  was      text[];
  freed    uuid[];
  due_in   bigint;
  changes  change[];
BEGIN
  SELECT array_agg(id) INTO told
    FROM (SELECT id FROM ended_parents ORDER BY id LIMIT most_parents FOR UPDATE SKIP LOCKED) AS taken;
  IF told IS NULL THEN RETURN 0; END IF;
  SELECT array_agg(task_id), array_agg(state) INTO enders, states
    FROM (SELECT DISTINCT ON (task_id) task_id, state FROM ended_parents WHERE id = ANY (told) ORDER BY task_id, id DESC) AS latest;
  SELECT array_agg(edge.task_id), array_agg(edge.depends_on), array_agg(edge.state) INTO children, of, was
    FROM (
      SELECT d.task_id, d.depends_on, p.state FROM unnest(enders, states) AS p (id, state) CROSS JOIN LATERAL (
        SELECT o.task_id, o.depends_on FROM dependencies o
        WHERE o.depends_on = p.id AND o.resolved_at IS NULL ORDER BY o.task_id LIMIT most_edges
      ) d LIMIT most_edges
    ) AS edge;
  IF children IS NOT NULL THEN
    PERFORM FROM task_records t WHERE t.id = ANY (children || enders) ORDER BY t.id FOR NO KEY UPDATE;
    -- From here on, statements see the tasks as they were locked.
    WITH resolved AS (
      UPDATE dependencies d SET resolved_at = now(),
        ended_child = coalesce(p.state, e.state) <> 'completed' AND c.on_parent_failure IS DISTINCT FROM 'continue' AND (c.state = 'pending'
          OR EXISTS (SELECT FROM dependencies o WHERE o.task_id = c.id AND o.ended_child))
      FROM unnest(children, of, was) AS e (task_id, depends_on, state)
        LEFT JOIN tasks p ON p.id = ANY (ARRAY[e.depends_on])
        JOIN tasks c ON c.id = ANY (ARRAY[e.task_id])
      WHERE d.task_id = ANY (ARRAY[e.task_id]) AND d.depends_on = ANY (ARRAY[e.depends_on]) AND d.resolved_at IS NULL
        AND is_ended(coalesce(p.state, e.state))
      RETURNING d.task_id, c.state, CASE WHEN d.ended_child AND c.state = 'pending'
        THEN format('depends on %s, which %s', d.depends_on, CASE coalesce(p.state, e.state) WHEN 'failed' THEN 'failed' ELSE 'was cancelled' END) END AS reason
    ), news AS (
      SELECT task_id, state, count(*) AS edges, min(reason) AS reason FROM resolved GROUP BY task_id, state
    ), changed AS (
      UPDATE task_records t SET
        waits_for    = t.waits_for - n.edges,
        due_at       = CASE WHEN n.state = 'pending' AND t.waits_for = n.edges THEN greatest(t.due_at, now()) ELSE t.due_at END,
        failed_at    = CASE WHEN n.reason IS NOT NULL AND t.on_parent_failure IS NULL THEN now() ELSE t.failed_at END,
        cancelled_at = CASE WHEN n.reason IS NOT NULL AND t.on_parent_failure = 'skip' THEN now() ELSE t.cancelled_at END,
        error        = coalesce(n.reason, t.error)
      FROM news n WHERE t.id = ANY (ARRAY[n.task_id])
      RETURNING t.id, t.attempt, t.waits_for, t.due_at, t.error, t.lane, t.concurrency_key, t.has_dependents, n.state AS was,
        CASE WHEN n.reason IS NULL THEN n.state WHEN t.on_parent_failure IS NULL THEN 'failed' ELSE 'cancelled' END AS state
    )
    SELECT array_agg(c.id) FILTER (WHERE c.state = 'pending' AND c.waits_for = 0),
        epoch_ms(min(c.due_at) FILTER (WHERE c.state = 'pending' AND c.waits_for = 0)) - epoch_ms(clock_timestamp()),
        array_agg((c.id, c.attempt, 'pending', c.state, c.state, NULL, NULL, NULL, c.error, c.due_at, c.lane, c.concurrency_key,
          c.has_dependents)::change) FILTER (WHERE c.was = 'pending' AND c.state <> 'pending')
      INTO freed, due_in, changes FROM changed c;
    PERFORM send_notices(note_changes(changes));
    IF freed IS NOT NULL THEN
      PERFORM make_ready(freed);
      PERFORM notify_hint('taskmaster_due', due_in::text);
    END IF;
  END IF;
  -- With as many dependents as may be told at once, there may be more: then the same ended tasks are looked at again.
  DELETE FROM ended_parents e WHERE e.id = ANY (told) AND (coalesce(cardinality(children), 0) < most_edges
    OR EXISTS (SELECT FROM tasks t WHERE t.id = e.task_id AND NOT is_ended(t.state)));
  RETURN cardinality(told);
END $$;

------------------------------------------------------------------------------------------------------ Chapter 11: new lives

-- Gives failed and cancelled tasks a new life. In a function, because a single statement does not see tasks that were stored
-- after it began.

-- These tasks, and all that ended because of them, at whatever distance.
CREATE FUNCTION ended_with(given uuid[]) RETURNS uuid[] LANGUAGE sql AS $$
  WITH RECURSIVE reach (id) AS (
    SELECT g.id FROM unnest(given) AS g (id)
    UNION
    SELECT d.task_id FROM reach r JOIN dependencies d ON d.depends_on = ANY (ARRAY[r.id]) WHERE d.ended_child
  )
  SELECT array_agg(r.id) FROM reach r
$$;

-- Revives these tasks and the dependents that their end had ended (unless those have another such reason), and returns
-- those of the given ones that it revived. A revived task waits for all that it depends on and that has not ended.
CREATE FUNCTION revive_tasks(given uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
  reached  uuid[];
  own      uuid[];
  lives    uuid[];
  frontier uuid[];
  freed    uuid[];
  waiting  uuid[] := '{}';
  changes  change[];
BEGIN
  -- Of what the given ones depend on, too, whoever ends it must wait: an edge that is opened after its end was told would
  -- stay open. With its lock, nobody else ends what depends on a task, or adds to it. What was added before there was the lock has to
  -- be locked too, and in order: so all locks are let go, with the block that took them, and taken anew.
  FOR attempt IN 1..20 LOOP
    BEGIN
      reached := ended_with(given);
      PERFORM FROM task_records t WHERE t.id = ANY (reached || ARRAY(
        SELECT d.depends_on FROM unnest(given) AS g (id) JOIN dependencies d ON d.task_id = ANY (ARRAY[g.id]))) ORDER BY t.id FOR NO KEY UPDATE;
      EXIT WHEN attempt = 20
        OR NOT EXISTS (SELECT r.id FROM unnest(ended_with(given)) AS r (id) EXCEPT SELECT r.id FROM unnest(reached) AS r (id));
      RAISE EXCEPTION USING ERRCODE = 'TM001';
    EXCEPTION WHEN SQLSTATE 'TM001' THEN NULL;
    END;
  END LOOP;
  SELECT array_agg(t.id) INTO frontier FROM task_records t WHERE t.id = ANY (given) AND coalesce(t.failed_at, t.cancelled_at) IS NOT NULL;
  own := coalesce(frontier, '{}');
  lives := own;
  UPDATE dependencies d SET resolved_at = NULL, ended_child = false
    FROM unnest(own) AS l (id), task_records p
    WHERE d.task_id = ANY (ARRAY[l.id]) AND d.resolved_at IS NOT NULL AND p.id = ANY (ARRAY[d.depends_on])
      AND coalesce(p.completed_at, p.failed_at, p.cancelled_at) IS NULL;
  -- A level of dependents after the other, however deep.
  WHILE frontier IS NOT NULL LOOP
    WITH opened AS (
      UPDATE dependencies d SET resolved_at = NULL, ended_child = false
      FROM unnest(frontier) AS f (id)
      WHERE d.depends_on = ANY (ARRAY[f.id]) AND d.resolved_at IS NOT NULL
        AND (d.ended_child OR d.task_id IN (SELECT o.id FROM unnest(own) AS o (id)))
      RETURNING d.task_id
    )
    SELECT array_agg(DISTINCT o.task_id) INTO freed FROM opened o;
    waiting := waiting || coalesce(freed, '{}');
    SELECT array_agg(t.id) INTO frontier FROM task_records t
      WHERE t.id = ANY (freed) AND coalesce(t.failed_at, t.cancelled_at) IS NOT NULL
        AND NOT EXISTS (SELECT FROM dependencies d WHERE d.task_id = t.id AND d.ended_child)
        AND t.id NOT IN (SELECT o.id FROM unnest(own) AS o (id));
    lives := lives || coalesce(frontier, '{}');
  END LOOP;
  UPDATE dependencies d SET ended_child = false FROM unnest(lives) AS l (id) WHERE d.task_id = ANY (ARRAY[l.id]) AND d.ended_child;
  PERFORM take_ready(waiting);
  UPDATE task_records t SET waits_for = (SELECT count(*) FROM dependencies d WHERE d.task_id = t.id AND d.resolved_at IS NULL)
    FROM (SELECT DISTINCT w.id FROM unnest(waiting) AS w (id)) AS w WHERE t.id = ANY (ARRAY[w.id]);
  -- The attempt that a task ended with is no longer its last.
  INSERT INTO attempts (task_id, attempt, worker_id, slot, picked_at, started_at, ended_at, outcome, error)
    SELECT t.id, t.attempt, t.worker_id, t.slot, t.picked_at, t.started_at, coalesce(t.failed_at, t.cancelled_at),
      CASE WHEN t.failed_at IS NOT NULL THEN 'failed' ELSE 'cancelled' END, t.error
    FROM (SELECT DISTINCT l.id FROM unnest(lives) AS l (id)) AS l JOIN task_records t ON t.id = ANY (ARRAY[l.id]) WHERE t.picked_at IS NOT NULL
    ON CONFLICT DO NOTHING;
  WITH ended AS MATERIALIZED (
    SELECT DISTINCT t.id, CASE WHEN t.failed_at IS NOT NULL THEN 'failed' ELSE 'cancelled' END AS state
    FROM unnest(lives) AS l (id) JOIN task_records t ON t.id = ANY (ARRAY[l.id])
  ), revived AS (
    UPDATE task_records t SET waits_for = (SELECT count(*) FROM dependencies d WHERE d.task_id = t.id AND d.resolved_at IS NULL),
        due_at = greatest(t.scheduled_at, now()), failed_at = NULL, cancelled_at = NULL, cancel_requested_at = NULL,
        picked_at = NULL, started_at = NULL, worker_id = NULL, slot = NULL, failures = 0, losses = 0,
        error = NULL, error_stack = NULL, output = NULL, result = NULL, progress = NULL
      FROM ended e WHERE t.id = ANY (ARRAY[e.id])
      RETURNING t.id, t.attempt, e.state AS was, t.due_at, t.waits_for, t.lane, t.concurrency_key, t.has_dependents
  )
  SELECT array_agg((r.id, r.attempt, r.was, 'pending', CASE r.was WHEN 'failed' THEN 'retrying' ELSE 'reassigned' END,
      NULL, NULL, NULL, NULL, r.due_at, r.lane, CASE WHEN r.waits_for = 0 THEN r.concurrency_key END, r.has_dependents)::change)
    INTO changes FROM revived r;
  PERFORM send_notices(note_changes(changes));
  PERFORM make_ready(lives || waiting);
  RETURN QUERY SELECT o.id FROM unnest(own) AS o (id);
END $$;

------------------------------------------------------------------------------------------- Chapter 12: tasks for people

-- Tasks as they stand now, each in a row, with the attempt that is in flight. This is what to look at and to write to by hand:
--   SELECT * FROM tasks WHERE picked_at IS NULL
--   INSERT INTO tasks (command, scheduled_at) VALUES ('…', now())
--   UPDATE tasks SET scheduled_at = now() WHERE id = '…'
-- What an earlier attempt said is not shown of one that runs.
CREATE VIEW tasks AS
  SELECT
    t.id, t.created_at, t.scheduled_at, t.due_at, coalesce(h.attempt, t.attempt) AS attempt, t.waits_for, t.cancel_grace_ms,
    t.priority, t.max_retries, t.failures, t.losses, t.has_dependents, t.lane, coalesce(h.picked_at, t.picked_at) AS picked_at,
    coalesce(h.worker_id, t.worker_id) AS worker_id, coalesce(h.started_at, t.started_at) AS started_at, t.completed_at,
    t.failed_at, t.cancelled_at, t.concurrency_key, t.workflow_id, t.idempotency_key, t.cancel_requested_at, coalesce(h.slot,
    t.slot) AS slot, t.timeout_ms, t.retry_backoff_ms, t.retry_backoff_cap_ms, t.parents, t.on_parent_failure, t.workflow_key,
    t.schedule_id, t.tick_at, coalesce(h.progress, t.progress) AS progress, t.name, t.description, t.command,
    t.executor, t.payload, CASE WHEN h.started_at IS NULL THEN t.error END AS error, CASE WHEN h.started_at IS NULL THEN
    t.output END AS output, t.result, CASE WHEN h.started_at IS NULL THEN t.error_stack END AS error_stack,
    CASE
      WHEN t.cancelled_at IS NOT NULL THEN 'cancelled'
      WHEN t.failed_at    IS NOT NULL THEN 'failed'
      WHEN t.completed_at IS NOT NULL THEN 'completed'
      WHEN h.started_at   IS NOT NULL THEN 'running'
      WHEN h.picked_at    IS NOT NULL THEN 'assigned'
      ELSE 'pending' END AS state
  FROM task_records t LEFT JOIN held h ON h.task_id = ANY (ARRAY[t.id]);

ALTER VIEW tasks
  ALTER COLUMN created_at SET DEFAULT now(),
  ALTER COLUMN scheduled_at SET DEFAULT now(),
  ALTER COLUMN attempt SET DEFAULT 0,
  ALTER COLUMN waits_for SET DEFAULT 0,
  ALTER COLUMN cancel_grace_ms SET DEFAULT 5000,
  ALTER COLUMN priority SET DEFAULT 0,
  ALTER COLUMN max_retries SET DEFAULT 0,
  ALTER COLUMN failures SET DEFAULT 0,
  ALTER COLUMN losses SET DEFAULT 0,
  ALTER COLUMN has_dependents SET DEFAULT false,
  ALTER COLUMN lane SET DEFAULT '//',
  ALTER COLUMN name SET DEFAULT '',
  ALTER COLUMN description SET DEFAULT '',
  ALTER COLUMN executor SET DEFAULT 'simulate';

-- A UUIDv7 whose time is so many 4096ths of a millisecond since 1970; the rest is random.
CREATE FUNCTION uuid_v7(at bigint) RETURNS uuid LANGUAGE sql VOLATILE AS $$
  SELECT encode(overlay(overlay(uuid_send(gen_random_uuid()) PLACING substr(int8send(at >> 12), 3) FROM 1 FOR 6)
    PLACING substr(int8send(28672 | (at & 4095)), 7) FROM 7 FOR 2), 'hex')::uuid
$$;

-- A change by hand, a row at a time: what it says of a task is put where it belongs.
CREATE FUNCTION task_written() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  ended     boolean;
  in_flight boolean;
  last      integer;
  stands    tasks;
BEGIN
  IF TG_OP <> 'INSERT' THEN
    PERFORM FROM held h WHERE h.task_id = OLD.id FOR UPDATE;
    PERFORM FROM task_records t WHERE t.id = OLD.id FOR NO KEY UPDATE;
    IF NOT FOUND THEN RETURN NULL; END IF;
    -- From here on nobody else moves it; if it has moved since it was read, that is refused below.
    PERFORM take_ready(ARRAY[OLD.id]);
    SELECT * INTO stands FROM tasks t WHERE t.id = OLD.id;
    IF (stands.state, stands.attempt) IS DISTINCT FROM (OLD.state, OLD.attempt) THEN
      RAISE EXCEPTION 'task % has changed meanwhile: it is %', OLD.id, stands.state USING ERRCODE = 'serialization_failure', HINT = 'Try again.';
    END IF;
    DELETE FROM held h WHERE h.task_id = OLD.id;
  END IF;
  IF TG_OP = 'DELETE' THEN
    DELETE FROM task_records t WHERE t.id = OLD.id;
    DELETE FROM idempotency_keys k WHERE k.key = OLD.idempotency_key AND k.task_id = OLD.id;
    INSERT INTO count_deltas (names, amounts) VALUES (ARRAY[stands.state], '{-1}');
    RETURN OLD;
  END IF;
  NEW.id := coalesce(NEW.id, uuid_v7((extract(epoch FROM clock_timestamp()) * 4096000)::bigint));
  -- Another time to run at is when it may be claimed, unless that is said, too.
  IF NEW.due_at IS NULL OR TG_OP = 'UPDATE' AND NEW.due_at = OLD.due_at AND NEW.scheduled_at <> OLD.scheduled_at THEN
    NEW.due_at := NEW.scheduled_at;
  END IF;
  ended := num_nonnulls(NEW.completed_at, NEW.failed_at, NEW.cancelled_at) > 0;
  in_flight := NEW.picked_at IS NOT NULL AND NOT ended;
  NEW.state := CASE WHEN NEW.cancelled_at IS NOT NULL THEN 'cancelled' WHEN NEW.failed_at IS NOT NULL THEN 'failed'
    WHEN NEW.completed_at IS NOT NULL THEN 'completed' WHEN NOT in_flight THEN 'pending'
    WHEN NEW.started_at IS NOT NULL THEN 'running' ELSE 'assigned' END;
  last := CASE WHEN in_flight THEN NEW.attempt - 1 ELSE NEW.attempt END;
  -- A key by hand stands for this task; a submission under it asks for something else.
  IF TG_OP = 'INSERT' THEN
    INSERT INTO idempotency_keys (key, task_id) SELECT NEW.idempotency_key, NEW.id WHERE NEW.idempotency_key IS NOT NULL;
  ELSIF (NEW.id, NEW.idempotency_key) IS DISTINCT FROM (OLD.id, OLD.idempotency_key) THEN
    WITH was AS (
      DELETE FROM idempotency_keys k WHERE k.key = OLD.idempotency_key AND k.task_id = OLD.id RETURNING k.key, k.request_hash
    )
    INSERT INTO idempotency_keys (key, task_id, request_hash)
      SELECT NEW.idempotency_key, NEW.id, (SELECT w.request_hash FROM was w) WHERE NEW.idempotency_key IS NOT NULL;
  END IF;
  IF TG_OP = 'INSERT' THEN
    INSERT INTO task_records (id, created_at, scheduled_at, due_at, attempt, waits_for, cancel_grace_ms, priority, max_retries, failures, losses,
      has_dependents, lane, picked_at, worker_id, started_at, completed_at, failed_at, cancelled_at, concurrency_key,
      workflow_id, idempotency_key, cancel_requested_at, slot, timeout_ms, retry_backoff_ms, retry_backoff_cap_ms, parents,
      on_parent_failure, workflow_key, schedule_id, tick_at, progress, name, description, command, executor,
      payload, error, output, result, error_stack)
    VALUES (NEW.id, NEW.created_at, NEW.scheduled_at, NEW.due_at, last, NEW.waits_for, NEW.cancel_grace_ms, NEW.priority,
      NEW.max_retries, NEW.failures, NEW.losses, NEW.has_dependents, NEW.lane, CASE WHEN NOT in_flight THEN NEW.picked_at END,
      CASE WHEN NOT in_flight THEN NEW.worker_id END, CASE WHEN NOT in_flight THEN NEW.started_at END, NEW.completed_at,
      NEW.failed_at, NEW.cancelled_at, NEW.concurrency_key, NEW.workflow_id, NEW.idempotency_key, NEW.cancel_requested_at, CASE
      WHEN NOT in_flight THEN NEW.slot END, NEW.timeout_ms, NEW.retry_backoff_ms, NEW.retry_backoff_cap_ms, NEW.parents,
      NEW.on_parent_failure, NEW.workflow_key, NEW.schedule_id, NEW.tick_at, CASE WHEN NOT in_flight THEN
      NEW.progress END, NEW.name, NEW.description, NEW.command, NEW.executor, NEW.payload, NEW.error, NEW.output, NEW.result,
      NEW.error_stack);
    PERFORM send_notices(note_stored(1, ARRAY[(NEW.priority = 0)::int, (NEW.priority = 1)::int, (NEW.priority = 2)::int, (NEW.priority = 3)::int,
        (NEW.priority NOT BETWEEN 0 AND 3)::int]::bigint[], CASE WHEN NEW.waits_for = 0 THEN NEW.due_at END, ARRAY[NEW.id],
      CASE WHEN is_governed(NEW.lane, NEW.concurrency_key) THEN ARRAY[NEW.lane] END, ARRAY[NEW.concurrency_key], ARRAY[NEW.due_at]));
  ELSE
    UPDATE task_records t SET (id, created_at, scheduled_at, due_at, attempt, waits_for, cancel_grace_ms, priority, max_retries, failures, losses,
      has_dependents, lane, picked_at, worker_id, started_at, completed_at, failed_at, cancelled_at, concurrency_key,
      workflow_id, idempotency_key, cancel_requested_at, slot, timeout_ms, retry_backoff_ms, retry_backoff_cap_ms, parents,
      on_parent_failure, workflow_key, schedule_id, tick_at, progress, name, description, command, executor,
      payload, error, output, result, error_stack) = ROW(NEW.id, NEW.created_at, NEW.scheduled_at, NEW.due_at, last, NEW.waits_for, NEW.cancel_grace_ms, NEW.priority,
      NEW.max_retries, NEW.failures, NEW.losses, NEW.has_dependents, NEW.lane, CASE WHEN NOT in_flight THEN NEW.picked_at END,
      CASE WHEN NOT in_flight THEN NEW.worker_id END, CASE WHEN NOT in_flight THEN NEW.started_at END, NEW.completed_at,
      NEW.failed_at, NEW.cancelled_at, NEW.concurrency_key, NEW.workflow_id, NEW.idempotency_key, NEW.cancel_requested_at, CASE
      WHEN NOT in_flight THEN NEW.slot END, NEW.timeout_ms, NEW.retry_backoff_ms, NEW.retry_backoff_cap_ms, NEW.parents,
      NEW.on_parent_failure, NEW.workflow_key, NEW.schedule_id, NEW.tick_at, CASE WHEN NOT in_flight THEN
      NEW.progress END, NEW.name, NEW.description, NEW.command, NEW.executor, NEW.payload, NEW.error, NEW.output, NEW.result,
      NEW.error_stack) WHERE t.id = OLD.id;
    IF OLD.picked_at IS NOT NULL AND NEW.picked_at IS NULL THEN
      INSERT INTO attempts (task_id, attempt, worker_id, slot, picked_at, started_at, ended_at, outcome, error)
      VALUES (OLD.id, OLD.attempt, OLD.worker_id, OLD.slot, OLD.picked_at, OLD.started_at, coalesce(OLD.failed_at, OLD.cancelled_at, now()),
        CASE OLD.state WHEN 'failed' THEN 'failed' WHEN 'cancelled' THEN 'cancelled' ELSE 'returned' END, OLD.error)
      ON CONFLICT DO NOTHING;
    END IF;
  END IF;
  IF in_flight THEN
    INSERT INTO held (task_id, picked_at, worker_id, attempt, lane, concurrency_key, started_at, slot, progress)
    VALUES (NEW.id, NEW.picked_at, NEW.worker_id, NEW.attempt, NEW.lane, NEW.concurrency_key, NEW.started_at, NEW.slot, NEW.progress);
  END IF;
  PERFORM make_ready(ARRAY[NEW.id]);
  IF TG_OP = 'UPDATE' AND NEW.state <> OLD.state OR TG_OP = 'INSERT' AND NEW.state <> 'pending' THEN
    PERFORM send_notices(note_changes(ARRAY[(NEW.id, NEW.attempt, CASE TG_OP WHEN 'UPDATE' THEN OLD.state ELSE 'pending' END, NEW.state,
      CASE NEW.state WHEN 'pending' THEN 'reassigned' ELSE NEW.state END, NEW.worker_id, NEW.slot,
      1000 * date_part('epoch', CASE NEW.state WHEN 'assigned' THEN NEW.picked_at - NEW.due_at
        ELSE coalesce(NEW.completed_at, NEW.failed_at) - NEW.started_at END),
      NEW.error, NEW.due_at, NEW.lane, NEW.concurrency_key, NEW.has_dependents)::change]));
  ELSIF TG_OP = 'UPDATE' AND NEW.state = 'pending' AND NEW.waits_for = 0 THEN
    PERFORM notify_hint('taskmaster_due', (epoch_ms(NEW.due_at) - epoch_ms(clock_timestamp()))::text);
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER task_written INSTEAD OF INSERT OR UPDATE OR DELETE ON tasks FOR EACH ROW EXECUTE FUNCTION task_written();

-- Whoever writes to the view need not have this schema in the search path.
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION task_written() SET search_path = pg_catalog, %I, pg_temp', current_schema());
END $$;
