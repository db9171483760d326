-- Counts that are kept, not counted. Every statement that changes tasks appends what it changed to
-- count_deltas, in its own transaction and without waiting for anybody; a fold moves what is certainly
-- finished into counts. A count is its row in counts plus the deltas not yet folded, read in one snapshot.
CREATE TABLE counts (
  name  text   PRIMARY KEY,                       -- a state; 'ever:<state>', which deletion does not lower; 'submitted:<PRIORITY>'; 'worker:<id>'; …
  value bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE count_deltas (
  xid   xid8   NOT NULL DEFAULT pg_current_xact_id(),
  name  text   NOT NULL,
  value bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX count_deltas_xid ON count_deltas (xid);

-- Deltas of transactions before this one are in counts. One row.
CREATE TABLE counts_folded (
  below xid8 NOT NULL,
  one   boolean PRIMARY KEY DEFAULT true CHECK (one)
) WITH (fillfactor = 50);
INSERT INTO counts_folded (below) VALUES (pg_snapshot_xmin(pg_current_snapshot()));

-- Every name with its value now.
CREATE VIEW current_counts AS
  SELECT name, sum(value)::bigint AS value FROM (
    SELECT name, value FROM counts
    UNION ALL
    SELECT name, value FROM count_deltas WHERE xid >= (SELECT below FROM counts_folded)
  ) AS parts GROUP BY name;

-- Moves finished deltas into counts; returns how many names changed. Any process may call it at any time:
-- whoever holds the row works, the others pass by.
CREATE FUNCTION fold_counts() RETURNS bigint LANGUAGE sql AS $$
  WITH mark AS (
    SELECT below AS since, pg_snapshot_xmin(pg_current_snapshot()) AS until
    FROM counts_folded FOR UPDATE SKIP LOCKED
  ), folded AS (
    DELETE FROM count_deltas USING mark WHERE xid >= since AND xid < until RETURNING name, value
  ), moved AS (
    UPDATE counts_folded SET below = until FROM mark WHERE until > below
  ), added AS (
    INSERT INTO counts (name, value)
    SELECT name, sum(value) FROM folded GROUP BY name ORDER BY name
    ON CONFLICT (name) DO UPDATE SET value = counts.value + excluded.value
    RETURNING 1
  )
  SELECT count(*) FROM added
$$;
