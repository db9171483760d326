import type { SlotSettings } from '../../src/worker/messages.ts'

/** What a slot of a test's own is started with. */
export const slotSettings = (more: Partial<SlotSettings> = {}): SlotSettings => ({
  processTimeMs: 1,
  historyFile: null,
  executors: ['simulate'],
  handlers: null,
  allowPrivate: [],
  shellEnv: { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8' },
  cgroup: null,
  ...more,
})
