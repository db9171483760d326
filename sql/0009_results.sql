-- What came of a task: its result, how far it got, the stack of its error, and line by line what it said.
ALTER TABLE tasks
  ADD COLUMN result      jsonb,                  -- of the attempt that completed
  ADD COLUMN progress    real CHECK (progress BETWEEN 0 AND 1),  -- as the running attempt reports it; NULL: it does not
  ADD COLUMN error_stack text;                   -- where `error` was thrown, when its executor knows

-- A line of an attempt, kept as long as its task. Written before the attempt's end is, so whoever reads an ended task
-- finds all of them. `seq` rises within the attempt and may skip.
--   taskmaster_logs    ids of tasks that have new lines or a new progress, separated by commas, or `*` for any
CREATE TABLE task_logs (
  task_id uuid        NOT NULL,
  attempt integer     NOT NULL,
  seq     integer     NOT NULL,
  at      timestamptz NOT NULL,
  stream  text        NOT NULL CHECK (stream IN ('stdout', 'stderr', 'log')),
  text    text        NOT NULL,
  PRIMARY KEY (task_id, attempt, seq)
);
