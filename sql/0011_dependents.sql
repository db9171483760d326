-- What becomes of tasks when those that they depend on end.
-- Whoever changes the edges of a task holds the task's lock, and locks tasks in the order of their ids; waits_for is the
-- number of its edges that are not resolved.

CREATE INDEX dependencies_open ON dependencies (depends_on, task_id) WHERE resolved_at IS NULL;

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
  due_in   bigint;
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
    PERFORM FROM tasks t WHERE t.id = ANY (children || enders) ORDER BY t.id FOR NO KEY UPDATE;
    -- From here on, statements see the tasks as they were locked.
    WITH resolved AS (
      UPDATE dependencies d SET resolved_at = now(),
        ended_child = coalesce(p.state, e.state) <> 'completed' AND c.on_parent_failure IS DISTINCT FROM 'continue' AND (c.state = 'pending'
          OR EXISTS (SELECT FROM dependencies o WHERE o.task_id = c.id AND o.ended_child))
      FROM unnest(children, of, was) AS e (task_id, depends_on, state)
        LEFT JOIN tasks p ON p.id = e.depends_on
        JOIN tasks c ON c.id = e.task_id
      WHERE d.task_id = e.task_id AND d.depends_on = e.depends_on AND d.resolved_at IS NULL
        AND coalesce(p.state, e.state) IN ('completed', 'failed', 'cancelled')
      RETURNING d.task_id, CASE WHEN d.ended_child AND c.state = 'pending'
        THEN format('depends on %s, which %s', d.depends_on, CASE coalesce(p.state, e.state) WHEN 'failed' THEN 'failed' ELSE 'was cancelled' END) END AS reason
    ), news AS (
      SELECT task_id, count(*) AS edges, min(reason) AS reason FROM resolved GROUP BY task_id
    ), changed AS (
      UPDATE tasks t SET
        waits_for    = t.waits_for - n.edges,
        due_at       = CASE WHEN t.state = 'pending' AND t.waits_for = n.edges THEN greatest(t.due_at, now()) ELSE t.due_at END,
        failed_at    = CASE WHEN n.reason IS NOT NULL AND t.on_parent_failure IS NULL THEN now() ELSE t.failed_at END,
        cancelled_at = CASE WHEN n.reason IS NOT NULL AND t.on_parent_failure = 'skip' THEN now() ELSE t.cancelled_at END,
        error        = coalesce(n.reason, t.error)
      FROM news n WHERE t.id = n.task_id
      RETURNING t.state, t.waits_for, t.due_at
    )
    SELECT epoch_ms(min(due_at)) - epoch_ms(clock_timestamp()) INTO due_in FROM changed WHERE state = 'pending' AND waits_for = 0;
    IF due_in IS NOT NULL THEN PERFORM pg_notify('taskmaster_due', due_in::text); END IF;
  END IF;
  -- With as many dependents as may be told at once, there may be more: then the same ended tasks are looked at again.
  DELETE FROM ended_parents e WHERE e.id = ANY (told) AND (coalesce(cardinality(children), 0) < most_edges
    OR EXISTS (SELECT FROM tasks t WHERE t.id = e.task_id AND t.state IN ('pending', 'assigned', 'running')));
  RETURN cardinality(told);
END $$;
