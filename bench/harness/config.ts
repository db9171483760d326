import { AppError } from '../../src/shared/core/error.ts'
import { databaseSettings, integer, oneOf, optionalText, readSettings } from '../../src/shared/settings.ts'
import { databaseConfig } from '../../src/shared/store/config.ts'
import type { DatabaseSettings } from '../../src/shared/store/connect.ts'

/** What the harness says in the environment; the defaults are those of its other adapters. */
const harnessSettings = {
  SCENARIO: oneOf('long_horizon', ['long_horizon']),
  BENCH_INSTANCE_ID: integer(0, 0, 1000),
  PRODUCER_MODE: oneOf('fixed', ['fixed', 'depth-target']),
  PRODUCER_PACING: oneOf('adapter', ['adapter', 'harness']),
  PRODUCER_RATE: integer(800, 0, 10_000_000),
  PRODUCER_RATE_CONTROL_FILE: optionalText(),
  PRODUCER_BATCH_MAX: integer(128, 1, 10_000),
  PRODUCER_BATCH_MS: integer(25, 1, 60_000),
  TARGET_DEPTH: integer(1000, 1, 10_000_000),
  WORKER_COUNT: integer(32, 1, 256),
  JOB_PAYLOAD_BYTES: integer(256, 0, 60_000),
  JOB_WORK_MS: integer(1, 0, 3_600_000),
  SAMPLE_EVERY_S: integer(5, 1, 3600),
  BENCH_QUEUE_COUNT: integer(1, 1, 1000),
}

export interface AdapterConfig {
  database: DatabaseSettings
  /** The number of this replica, from 0. The first one alone tells of the system as a whole. */
  instance: number
  sampleEverySeconds: number
  /** Slots of the worker. */
  slots: number
  producer: ProducerConfig
}

export interface ProducerConfig {
  /** Who says when to submit how many: the harness, this process by its rate, or the depth of the queue. */
  pacing: 'harness' | 'rate' | 'depth'
  /** Tasks a second. The control file, when there is one, has the rate of now. */
  rate: number
  rateFile: string | null
  /** Tasks of a request, at most, and ms between two by rate. */
  batchMax: number
  batchMs: number
  targetDepth: number
  payloadBytes: number
  /** ms that a task takes. */
  workMs: number
  /** Queues that take turns; with one, tasks go to the default queue. */
  queues: number
}

/** @throws `invalid` naming every setting that is wrong, or DATABASE_URL when it is missing */
export function readConfig(env: Record<string, string | undefined>): AdapterConfig {
  const values = readSettings({ ...databaseSettings, ...harnessSettings }, env)
  if (!values.DATABASE_URL) throw new AppError('invalid', 'Wrong settings: DATABASE_URL must be set')
  const byRate = values.PRODUCER_PACING === 'harness' ? 'harness' : 'rate'
  return {
    database: databaseConfig(values, 'taskmaster-harness'),
    instance: values.BENCH_INSTANCE_ID,
    sampleEverySeconds: values.SAMPLE_EVERY_S,
    slots: values.WORKER_COUNT,
    producer: {
      pacing: values.PRODUCER_MODE === 'depth-target' ? 'depth' : byRate,
      rate: values.PRODUCER_RATE,
      rateFile: values.PRODUCER_RATE_CONTROL_FILE,
      batchMax: values.PRODUCER_BATCH_MAX,
      batchMs: values.PRODUCER_BATCH_MS,
      targetDepth: values.TARGET_DEPTH,
      payloadBytes: values.JOB_PAYLOAD_BYTES,
      workMs: values.JOB_WORK_MS,
      queues: values.BENCH_QUEUE_COUNT,
    },
  }
}
