import type { Peer, PeerSettings } from './peer.ts'

export interface Contender {
  readonly name: string
  /** Jobs are looked for at once, so that there is a pick-up to measure. */
  readonly isNotified: boolean
  readonly needsRedis?: boolean
  open(settings: PeerSettings): Promise<Peer>
}

/** Each at its documented best, and two as they are when nothing is set. */
export const CONTENDERS: readonly Contender[] = [
  {
    name: 'graphile-worker, localQueue 500',
    isNotified: true,
    open: async (settings) => (await import('./graphile-worker.ts')).openGraphileWorker(settings, 'best'),
  },
  {
    name: 'graphile-worker, defaults',
    isNotified: true,
    open: async (settings) => (await import('./graphile-worker.ts')).openGraphileWorker(settings, 'defaults'),
  },
  {
    name: 'pg-boss, raw: fetch and complete 500',
    isNotified: false,
    open: async (settings) => (await import('./pg-boss.ts')).openPgBoss(settings, 'raw'),
  },
  {
    name: 'pg-boss, work() in batches of 500',
    isNotified: true,
    open: async (settings) => (await import('./pg-boss.ts')).openPgBoss(settings, 'batches'),
  },
  {
    name: 'pg-boss, work() with defaults',
    isNotified: true,
    open: async (settings) => (await import('./pg-boss.ts')).openPgBoss(settings, 'defaults'),
  },
  {
    name: 'BullMQ on Redis, 100 at once',
    isNotified: true,
    needsRedis: true,
    open: async (settings) => (await import('./bullmq.ts')).openBullMq(settings, 'redis'),
  },
  {
    name: 'BullMQ on PostgreSQL, 32 at once',
    isNotified: true,
    open: async (settings) => (await import('./bullmq.ts')).openBullMq(settings, 'postgresql'),
  },
  {
    name: 'bunqueue on PostgreSQL, 100 at once',
    isNotified: true,
    open: async (settings) => (await import('./bunqueue.ts')).openBunqueue(settings),
  },
]
