-- Schedules, and what became of each of their ticks.
CREATE TABLE schedules (
  id          uuid        PRIMARY KEY,
  name        text        NOT NULL,
  cron        text,                              -- either a pattern in a zone, or an interval from an anchor
  time_zone   text        NOT NULL DEFAULT 'UTC',
  every_ms    bigint      CHECK (every_ms > 0),
  anchor_at   timestamptz,
  starts_at   timestamptz,                       -- no tick before, none after
  ends_at     timestamptz,
  task        jsonb       NOT NULL,              -- as it would be submitted
  catch_up    text        NOT NULL CHECK (catch_up IN ('skip', 'last', 'all')),
  catch_up_window_ms bigint NOT NULL CHECK (catch_up_window_ms >= 0),
  overlap     text        NOT NULL CHECK (overlap IN ('allow', 'skip', 'queue')),

  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  version     integer     NOT NULL DEFAULT 1,    -- raised by every edit
  paused_at   timestamptz,
  next_at     timestamptz,                       -- the first tick that is not in the ledger; NULL: there is none
  wake_at     timestamptz,                       -- when to look at it: next_at, or earlier for ticks in its queue
  ticks       bigint      NOT NULL DEFAULT 0,    -- rows ever written to the ledger
  queued      integer     NOT NULL DEFAULT 0,    -- those of them that wait
  last_task_id uuid,                             -- the task that a tick started last

  CONSTRAINT cron_or_interval CHECK (num_nonnulls(cron, every_ms) = 1 AND (every_ms IS NULL) = (anchor_at IS NULL)),
  CONSTRAINT rests_while_paused CHECK (paused_at IS NULL OR wake_at IS NULL)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE UNIQUE INDEX schedules_name ON schedules (name);
CREATE INDEX schedules_wake ON schedules (wake_at) WHERE wake_at IS NOT NULL;

-- The ledger: one row per tick. Its key is what makes a tick fire once, whoever fires it.
CREATE TABLE schedule_ticks (
  schedule_id uuid        NOT NULL,
  tick_at     timestamptz NOT NULL,
  outcome     text        NOT NULL CHECK (outcome IN ('fired', 'caught_up', 'queued', 'skipped', 'backfilled', 'by_hand')),
  reason      text,
  task_id     uuid,
  lag_ms      float8      NOT NULL,              -- from the tick to its outcome, by the database's clock
  at          timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (schedule_id, tick_at),
  CONSTRAINT started_has_task CHECK ((task_id IS NULL) = (outcome IN ('queued', 'skipped')))
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX schedule_ticks_queued ON schedule_ticks (schedule_id, tick_at) WHERE outcome = 'queued';

-- Which schedule a task is of.
ALTER TABLE tasks ADD COLUMN schedule_id uuid, ADD COLUMN tick_at timestamptz;
