-- The walk passed by lanes of a label that begins as another does: after `need/a,c/`, which lacks a worker of `c`, it went on at
-- `need/a/` for one of `a` and `a-b`, though `need/a-b/` lies between them. A label may be replaced at every place up to the one
-- that is not run, not at that one alone.
CREATE OR REPLACE FUNCTION next_routing_key(key text, needs text[], labels text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
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
