-- Lists of tasks by priority, each state by an index of its own, as the lists by time have; what workers hold is little.
-- (Their predicates are those of the lists by time, and in no words of the claim's.)
CREATE INDEX tasks_pending_by_priority ON tasks (priority DESC, scheduled_at DESC, id DESC)
  WHERE coalesce(picked_at, cancelled_at, failed_at) IS NULL;
CREATE INDEX tasks_retrying_by_priority ON tasks (priority DESC, scheduled_at DESC, id DESC)
  WHERE coalesce(picked_at, cancelled_at, failed_at) IS NULL AND failures > 0;
CREATE INDEX tasks_completed_by_priority ON tasks (priority DESC, scheduled_at DESC, id DESC) WHERE completed_at IS NOT NULL;
CREATE INDEX tasks_failed_by_priority    ON tasks (priority DESC, scheduled_at DESC, id DESC) WHERE failed_at IS NOT NULL;
CREATE INDEX tasks_cancelled_by_priority ON tasks (priority DESC, scheduled_at DESC, id DESC) WHERE cancelled_at IS NOT NULL;
