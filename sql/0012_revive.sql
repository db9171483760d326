-- Gives failed and cancelled tasks a new life. In a function, because a single statement does not see tasks that were stored
-- after it began.

-- These tasks, and all that ended because of them, at whatever distance.
CREATE FUNCTION ended_with(given uuid[]) RETURNS uuid[] LANGUAGE sql AS $$
  WITH RECURSIVE reach (id) AS (
    SELECT g.id FROM unnest(given) AS g (id)
    UNION
    SELECT d.task_id FROM reach r JOIN dependencies d ON d.depends_on = r.id WHERE d.ended_child
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
BEGIN
  -- Of what the given ones depend on, too, whoever ends it must wait: an edge that is opened after its end was told would
  -- stay open. With its lock, nobody else ends what depends on a task, or adds to it. What was added before there was the lock has to
  -- be locked too, and in order: so all locks are let go, with the block that took them, and taken anew.
  FOR attempt IN 1..20 LOOP
    BEGIN
      reached := ended_with(given);
      PERFORM FROM tasks t WHERE t.id = ANY (reached || ARRAY(
        SELECT d.depends_on FROM unnest(given) AS g (id) JOIN dependencies d ON d.task_id = g.id)) ORDER BY t.id FOR NO KEY UPDATE;
      EXIT WHEN attempt = 20
        OR NOT EXISTS (SELECT r.id FROM unnest(ended_with(given)) AS r (id) EXCEPT SELECT r.id FROM unnest(reached) AS r (id));
      RAISE EXCEPTION USING ERRCODE = 'TM001';
    EXCEPTION WHEN SQLSTATE 'TM001' THEN NULL;
    END;
  END LOOP;
  SELECT array_agg(t.id) INTO frontier FROM tasks t WHERE t.id = ANY (given) AND t.state IN ('failed', 'cancelled');
  own := coalesce(frontier, '{}');
  lives := own;
  UPDATE dependencies d SET resolved_at = NULL, ended_child = false
    FROM unnest(own) AS l (id), tasks p
    WHERE d.task_id = l.id AND d.resolved_at IS NOT NULL AND p.id = d.depends_on AND p.state IN ('pending', 'assigned', 'running');
  -- A level of dependents after the other, however deep.
  WHILE frontier IS NOT NULL LOOP
    WITH opened AS (
      UPDATE dependencies d SET resolved_at = NULL, ended_child = false
      FROM unnest(frontier) AS f (id)
      WHERE d.depends_on = f.id AND d.resolved_at IS NOT NULL
        AND (d.ended_child OR d.task_id IN (SELECT o.id FROM unnest(own) AS o (id)))
      RETURNING d.task_id
    )
    SELECT array_agg(DISTINCT o.task_id) INTO freed FROM opened o;
    waiting := waiting || coalesce(freed, '{}');
    SELECT array_agg(t.id) INTO frontier FROM tasks t
      WHERE t.id = ANY (freed) AND t.state IN ('failed', 'cancelled')
        AND NOT EXISTS (SELECT FROM dependencies d WHERE d.task_id = t.id AND d.ended_child)
        AND t.id NOT IN (SELECT o.id FROM unnest(own) AS o (id));
    lives := lives || coalesce(frontier, '{}');
  END LOOP;
  UPDATE dependencies d SET ended_child = false FROM unnest(lives) AS l (id) WHERE d.task_id = l.id AND d.ended_child;
  UPDATE tasks t SET waits_for = (SELECT count(*) FROM dependencies d WHERE d.task_id = t.id AND d.resolved_at IS NULL)
    FROM (SELECT DISTINCT w.id FROM unnest(waiting) AS w (id)) AS w WHERE t.id = w.id;
  UPDATE tasks t SET waits_for = (SELECT count(*) FROM dependencies d WHERE d.task_id = t.id AND d.resolved_at IS NULL),
      due_at = greatest(t.scheduled_at, now()), failed_at = NULL, cancelled_at = NULL, cancel_requested_at = NULL,
      picked_at = NULL, started_at = NULL, worker_id = NULL, slot = NULL, failures = 0, losses = 0,
      error = NULL, error_stack = NULL, output = NULL, result = NULL, progress = NULL
    FROM unnest(lives) AS l (id) WHERE t.id = l.id;
  RETURN QUERY SELECT o.id FROM unnest(own) AS o (id);
END $$;
