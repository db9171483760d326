-- Notices are hints: what they tell is in the tables. PostgreSQL refuses a whole transaction at its commit when the queue of
-- notices is full, which any session of any database of the server can bring about; so a change tells nobody when the queue is
-- half full, and readers look by themselves until it is not.
--
-- To ask how full it is moves its tail on. Nothing else does where nobody can notify, so that without it the queue would stay
-- full after whoever filled it has left.

CREATE FUNCTION notify_hint(channel text, payload text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF pg_notification_queue_usage() < 0.5 THEN PERFORM pg_notify(channel, payload); END IF;
END $$;

-- All functions that notify do it by this one.
DO $$
DECLARE f record;
BEGIN
  FOR f IN SELECT p.oid FROM pg_proc p
    WHERE p.pronamespace = current_schema()::regnamespace AND p.prosrc LIKE '%pg_notify(%' AND p.proname <> 'notify_hint'
  LOOP
    EXECUTE replace(pg_get_functiondef(f.oid), 'pg_notify(', 'notify_hint(');
  END LOOP;
END $$;
