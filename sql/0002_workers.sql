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
  offline_at     timestamptz
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE INDEX workers_online ON workers (id) WHERE offline_at IS NULL;
