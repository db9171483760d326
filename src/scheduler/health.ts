import { credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { protoPath } from 'grpc-health-check'
import type { Sql } from '../shared/store/connect.ts'
import { findStates } from '../shared/store/tasks.ts'
import { within } from './deadline.ts'

export interface HealthOptions {
  sql: Sql
  /** host:port of each coordinator; one that answers is enough. */
  coordinators: string[]
  /** ms that each of them, and the database, may take. */
  timeoutMs: number
}

export interface Health {
  /** What is missing; empty when all is there. */
  missing(): Promise<string[]>
  /** From now on this service is missing. */
  leave(): void
  close(): void
}

type Reply = (error: ServiceError | null, response?: { status: string }) => void

/** The client of grpc.health.v1.Health, as far as it is used here. */
interface HealthClient {
  Check(request: { service: string }, options: { deadline: number }, reply: Reply): void
  close(): void
}

const NOBODY = '00000000-0000-0000-0000-000000000000'
const CHANNEL = {
  'grpc.enable_http_proxy': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
}

/** Whether this scheduler can do its work: the database answers, and a coordinator does. */
export function createHealth({ sql, coordinators, timeoutMs }: HealthOptions): Health {
  const Client = loadHealthClient()
  const clients = coordinators.map((address) => new Client(address, credentials.createInsecure(), CHANNEL))
  let leaving = false

  // Tasks are asked for, because a database whose tasks are locked is of no use. One question at a time: those
  // that wait for an answer must not use the connections up.
  let asking: Promise<unknown> | null = null
  const databaseAnswers = () => {
    asking ??= findStates(sql, [NOBODY]).finally(() => {
      asking = null
    })
    return within(timeoutMs, 'no answer', asking)
  }

  const answers = (client: HealthClient) =>
    new Promise<void>((resolve, reject) => {
      client.Check({ service: '' }, { deadline: Date.now() + timeoutMs }, (error, response) => {
        if (response?.status === 'SERVING') resolve()
        else reject(error ?? new Error('not serving'))
      })
    })

  const missingUnless = (name: string, check: Promise<unknown>) =>
    check.then(
      () => [],
      () => [name],
    )

  return {
    async missing() {
      if (leaving) return ['scheduler']
      const found = await Promise.all([
        missingUnless('database', databaseAnswers()),
        missingUnless('coordinator', Promise.any(clients.map(answers))),
      ])
      return found.flat()
    },
    leave() {
      leaving = true
    },
    close() {
      for (const client of clients) client.close()
    },
  }
}

function loadHealthClient() {
  const loaded = loadPackageDefinition(loadSync(protoPath, { enums: String, defaults: true }))
  const { grpc } = loaded as unknown as { grpc: { health: { v1: { Health: HealthConstructor } } } }
  return grpc.health.v1.Health
}

type HealthConstructor = new (
  address: string,
  channelCredentials: ReturnType<typeof credentials.createInsecure>,
  options: Record<string, number>,
) => HealthClient
