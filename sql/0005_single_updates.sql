-- tasks_updated() of 0004_changes.sql, quicker for a statement that changes a single task: on an idle system the
-- claim is such a one, and stands between a request and its start. And an attempt that was taken from a lost worker
-- is `lost` even if nobody had heard that it started; `returned` is what a worker that lives did not run.

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

-- Its plan is kept for batches of every size; one made for a single row must not be a nested loop.
CREATE OR REPLACE FUNCTION tasks_updated() RETURNS trigger LANGUAGE plpgsql
  SET plan_cache_mode = force_generic_plan SET enable_hashjoin = on SET enable_nestloop = off AS $$
DECLARE
  few     bigint := (SELECT count(*) FROM (SELECT FROM new_tasks LIMIT 2) AS few);
  one     record;
  notices text[];
  due_in  bigint;
BEGIN
  IF few = 0 THEN RETURN NULL; END IF;
  IF few = 1 THEN
    SELECT n.id, n.attempt, n.state, o.state AS was, n.picked_at, n.worker_id, n.slot, left(n.error, 100) AS text,
           CASE n.state WHEN 'assigned' THEN 'waited' ELSE 'ran' END AS clock,
           1000 * date_part('epoch', CASE n.state WHEN 'assigned' THEN n.picked_at - n.due_at
             ELSE coalesce(n.completed_at, n.failed_at) - n.started_at END) AS ms
      INTO one FROM new_tasks n, old_tasks o;
    IF one.state = one.was THEN RETURN NULL; END IF;
    -- What goes back leaves its attempt behind, and may be due at any time: below.
    IF one.picked_at IS NOT NULL THEN
      INSERT INTO count_deltas (name, value) SELECT name, value
        FROM count_parts(one.state, one.was, one.worker_id, one.clock, bucket_of(one.ms), one.ms, 1)
        WHERE name IS NOT NULL AND value <> 0;
      PERFORM pg_notify('taskmaster_events', json_build_object('type', one.state, 'count', 1,
        'at', epoch_ms(clock_timestamp()), 'rows', json_build_array(json_build_array(one.id, one.attempt,
          one.worker_id, one.slot, round(one.ms::numeric, 3), one.text)))::text);
      RETURN NULL;
    END IF;
  END IF;
  IF EXISTS (SELECT FROM new_tasks WHERE picked_at IS NULL) THEN
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
  IF due_in IS NOT NULL THEN PERFORM pg_notify('taskmaster_due', due_in::text); END IF;
  RETURN NULL;
END $$;
