-- Whoever changes tasks, by whatever statement, keeps the counts right and tells those who listen, in the
-- same transaction.
--   taskmaster_due     ms until the earliest task of the statement becomes claimable (negative: overdue)
--   taskmaster_events  {"type", "count", "at", "rows": [[task, attempt, worker, slot, ms, text], …]}; at most
--                      60 rows (10 if any has text) stand for `count` tasks, so a payload never reaches 8,000 bytes.
--                      ms is the run time of what ended; it is null where the attempt had not started.

CREATE FUNCTION priority_name(priority smallint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE priority WHEN 0 THEN 'LOW' WHEN 1 THEN 'MEDIUM' WHEN 2 THEN 'HIGH' WHEN 3 THEN 'CRITICAL' ELSE 'OTHER' END
$$;

CREATE FUNCTION epoch_ms(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT (extract(epoch FROM at) * 1000)::bigint
$$;

CREATE FUNCTION tasks_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO count_deltas (name, value)
    SELECT state, count(*) FROM new_tasks GROUP BY state
    UNION ALL
    SELECT 'submitted:' || priority_name(priority), count(*) FROM new_tasks GROUP BY 1;
  PERFORM pg_notify('taskmaster_due', (epoch_ms(min(due_at)) - epoch_ms(clock_timestamp()))::text)
    FROM new_tasks WHERE state = 'pending' HAVING count(*) > 0;
  PERFORM pg_notify('taskmaster_events', json_build_object(
      'type', 'scheduled', 'count', (SELECT count(*) FROM new_tasks), 'at', epoch_ms(clock_timestamp()),
      'rows', json_agg(json_build_array(id, attempt)))::text)
    FROM (SELECT id, attempt FROM new_tasks LIMIT 60) AS sample HAVING count(*) > 0;
  RETURN NULL;
END $$;

-- Its plan is kept for batches of every size; one made for a single row must not be a nested loop.
CREATE FUNCTION tasks_updated() RETURNS trigger LANGUAGE plpgsql
  SET plan_cache_mode = force_generic_plan SET enable_hashjoin = on SET enable_nestloop = off AS $$
DECLARE
  notices text[];
  due_in  bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM new_tasks) THEN RETURN NULL; END IF;
  IF EXISTS (SELECT FROM new_tasks WHERE picked_at IS NULL) THEN
    INSERT INTO attempts (task_id, attempt, worker_id, slot, picked_at, started_at, ended_at, outcome, error)
    SELECT o.id, o.attempt, o.worker_id, o.slot, o.picked_at, o.started_at, coalesce(o.failed_at, o.cancelled_at, now()),
           CASE WHEN n.failures > o.failures OR o.failed_at IS NOT NULL THEN 'failed'
                WHEN o.cancelled_at IS NOT NULL THEN 'cancelled'
                WHEN n.losses > o.losses THEN 'lost' ELSE 'returned' END,
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
    SELECT state, was, worker_id, clock, count(*) AS count, sum(ms)::bigint AS ms,
           width_bucket(ms, '{1,2,4,8,16,32,64,100,200,400,800,1600,3200,6400,12800,25600,51200}'::float8[]) AS bucket
    FROM changed GROUP BY state, was, worker_id, clock, bucket
  ), counted AS (
    INSERT INTO count_deltas (name, value)
      SELECT name, sum(value) FROM alike, LATERAL (VALUES
        (state, count),
        (was, -count),
        (CASE WHEN state IN ('completed', 'failed', 'cancelled') THEN 'ever:' || state END, count),
        (CASE state WHEN 'completed' THEN 'worker:' || worker_id END, count),
        (clock || ':' || bucket, count),
        (clock || '_ms', ms)
      ) AS parts (name, value)
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

CREATE FUNCTION tasks_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO count_deltas (name, value) SELECT state, -count(*) FROM old_tasks GROUP BY state;
  RETURN NULL;
END $$;

CREATE TRIGGER tasks_inserted AFTER INSERT ON tasks
  REFERENCING NEW TABLE AS new_tasks FOR EACH STATEMENT EXECUTE FUNCTION tasks_inserted();
CREATE TRIGGER tasks_updated AFTER UPDATE ON tasks
  REFERENCING OLD TABLE AS old_tasks NEW TABLE AS new_tasks FOR EACH STATEMENT EXECUTE FUNCTION tasks_updated();
CREATE TRIGGER tasks_deleted AFTER DELETE ON tasks
  REFERENCING OLD TABLE AS old_tasks FOR EACH STATEMENT EXECUTE FUNCTION tasks_deleted();

CREATE FUNCTION worker_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('taskmaster_events', json_build_object(
    'type', CASE WHEN NEW.offline_at IS NULL THEN 'worker_online' ELSE 'worker_offline' END,
    'count', 1, 'at', epoch_ms(clock_timestamp()),
    'rows', json_build_array(json_build_array(NULL, NULL, NEW.id, NULL, NULL,
      'Worker ' || left(NEW.name, 200) || CASE WHEN NEW.offline_at IS NULL THEN ' is online' ELSE ' is offline' END)))::text);
  RETURN NULL;
END $$;

CREATE TRIGGER worker_registered AFTER INSERT ON workers FOR EACH ROW EXECUTE FUNCTION worker_changed();
CREATE TRIGGER worker_came_or_went AFTER UPDATE ON workers
  FOR EACH ROW WHEN ((OLD.offline_at IS NULL) <> (NEW.offline_at IS NULL)) EXECUTE FUNCTION worker_changed();
