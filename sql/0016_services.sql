-- Which schedulers and coordinators run: one row per process, which it writes anew about once a second. So a database
-- that takes no writes is noticed while nothing else is written, and coordinators are found without being named.
CREATE TABLE services (
  id         uuid        PRIMARY KEY,
  kind       text        NOT NULL CHECK (kind IN ('scheduler', 'coordinator')),
  address    text        NOT NULL DEFAULT '',     -- host:port where it can be asked how it is
  started_at timestamptz NOT NULL DEFAULT now(),
  seen_at    timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
