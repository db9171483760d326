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
      IF label <> ALL (labels) THEN
        -- With another label in place of this one, followed by more or by the queue; or with none in its place.
        SELECT min(c.start COLLATE "C") INTO onward
          FROM unnest(labels) AS own (label), unnest('{",",/}'::text[]) AS s (mark), LATERAL (SELECT prefix || own.label || s.mark) AS c (start)
          WHERE c.start > key COLLATE "C";
        IF right(prefix, 1) = ',' THEN onward := least(onward COLLATE "C", left(prefix, -1) || '/' COLLATE "C"); END IF;
        EXIT;
      END IF;
      prefix := prefix || label || ',';
    END LOOP;
    IF onward IS NOT NULL THEN RETURN onward; END IF;
  END IF;
  RETURN (SELECT min(n.need || '/' COLLATE "C") FROM unnest(needs) AS n (need)
    WHERE key = '' OR n.need || '/' > split_part(key, '/', 1) || '/' COLLATE "C");
END $$;

DROP INDEX tasks_claimable;
CREATE INDEX tasks_claimable ON tasks (routing_key(lane), priority DESC, due_at, id)
  WHERE picked_at IS NULL AND cancelled_at IS NULL AND failed_at IS NULL AND waits_for = 0 AND concurrency_key IS NULL;

DROP INDEX lane_keys_ready;
CREATE INDEX lane_keys_ready ON lane_keys (routing_key(lane), ready_at);
