import type { Log } from '../../../shared/log.ts'
import { type Repeating, repeat } from '../../../shared/repeat.ts'
import type { Sql } from '../../../shared/store/connect.ts'
import { removeService } from '../../../shared/store/services.ts'
import type { Feed } from '../../feed/feed.ts'
import { createCoordinatorProbe } from './coordinators.ts'
import { createDatabaseProbe } from './database.ts'
import { createHerald } from './herald.ts'
import { type Facts, judge, missingIn, type Verdict } from './judge.ts'
import { createStanding } from './standing.ts'
import type { HealthView } from './view.ts'

export interface HealthOptions {
  /** Connections of its own: a pool whose connections are all in use must not look like a database that is down. */
  sql: Sql
  feed: Pick<Feed, 'announce' | 'currentAt' | 'signal'>
  log: Log
  /** host:port of the coordinators that the settings name; others are found by the table of services. */
  coordinators: string[]
}

export interface Readiness {
  /** What is missing, by name; empty when this scheduler can do its work. */
  missing: string[]
  health: HealthView
}

/** The one source of how everything is. */
export interface Health {
  /** Of this process in the table of services. A secret: it proves to coordinators that this is a scheduler. */
  readonly id: string
  /** Looks once a second from now on, and tells watchers of what begins and ends. */
  start(): void
  stop(): Promise<void>
  /** How everything was at the last look; without a question to anybody. */
  view(): HealthView
  /** Looks now; those that ask at the same time share a look. */
  look(): Promise<HealthView>
  /** Whether this scheduler can do its work, by a look now. */
  readiness(): Promise<Readiness>
  /** A write of a caller went well. */
  stored(): void
  /** A write of a caller met this error. */
  refused(error: unknown): void
  /** From now on this scheduler is missing. */
  leave(): void
}

const LOOK_MS = 1000
const STOP_MS = 500

export function createHealth({ sql, feed, log, coordinators: addresses }: HealthOptions): Health {
  const id = crypto.randomUUID()
  const database = createDatabaseProbe(sql, { id, kind: 'scheduler', address: '' }, feed.signal)
  const coordinators = createCoordinatorProbe(addresses)
  const standing = createStanding()
  const herald = createHerald({
    began(message) {
      log.warn({ trouble: message }, 'Trouble began')
      feed.announce('trouble', message)
    },
    ended(message) {
      log.info({ trouble: message }, 'Trouble ended')
      feed.announce('recovered', message)
    },
  })
  let looping: Repeating | null = null
  let looking: Promise<void> | null = null
  let leaving = false

  function verdict(): Verdict {
    const facts: Facts = {
      now: performance.now(),
      database: database.facts(),
      feed: { currentAt: feed.currentAt(), failure: database.signalFailure() },
      coordinators: coordinators.facts(),
    }
    return judge(facts)
  }

  function view(by = verdict()): HealthView {
    const now = performance.now()
    const { answeredAt } = database.facts()
    const currentAt = feed.currentAt()
    standing.keep(new Set(['all', 'database', 'feed', ...by.coordinators.map(({ address }) => address)]))
    return {
      ...standing.of('all', by),
      database: standing.of('database', by.database),
      feed: standing.of('feed', by.feed),
      coordinators: by.coordinators.map(({ address, id, waiting, troubles, ...judgement }) => ({
        ...standing.of(address, judgement),
        ...{ address, id, waiting, troubles },
      })),
      reports_waiting: by.coordinators.reduce((sum, { waiting }) => sum + waiting, 0),
      database_age_ms: answeredAt === null ? null : Math.round(now - answeredAt),
      feed_age_ms: currentAt === null ? null : Math.round(now - currentAt),
    }
  }

  async function lookOnce() {
    await Promise.all([database.look(), coordinators.look(database.coordinators())])
  }

  function look() {
    looking ??= lookOnce().finally(() => {
      looking = null
    })
    return looking
  }

  return {
    id,
    start() {
      looping ??= repeat('Health', LOOK_MS, log, async () => {
        await look()
        herald.look(view(), performance.now())
      })
    },
    async stop() {
      await looping?.stop()
      coordinators.close()
      await Promise.race([removeService(sql, id).catch(() => {}), Bun.sleep(STOP_MS)])
    },
    view,
    async look() {
      await look()
      return view()
    },
    async readiness() {
      await look()
      const by = verdict()
      return { missing: leaving ? ['scheduler'] : missingIn(by), health: view(by) }
    },
    stored: database.stored,
    refused: database.refused,
    leave() {
      leaving = true
    },
  }
}
