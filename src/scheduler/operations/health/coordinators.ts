import { credentials, loadPackageDefinition, type ServiceError, status } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { protoPath } from 'grpc-health-check'
import type { HealthResponse__Output } from '../../../shared/rpc/gen/taskmaster/HealthResponse.ts'
import { Control } from '../../../shared/rpc/load.ts'
import type { SeenService } from '../../../shared/store/services.ts'
import { ANSWER_MS, type CoordinatorFacts } from './judge.ts'

export interface CoordinatorProbe {
  /** Asks those that the settings name, and those of this list. */
  look(seen: SeenService[]): Promise<void>
  facts(): CoordinatorFacts[]
  close(): void
}

interface Asked {
  address: string
  id: string | null
  isNamed: boolean
  answer: CoordinatorFacts['answer']
  failure: CoordinatorFacts['failure']
  silentMs: number | null
  ask(): Promise<void>
  close(): void
}

const CHANNEL = {
  'grpc.enable_http_proxy': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
}

/** Asks every coordinator that is known how it is. One that is named and in the table, too, is asked once. */
export function createCoordinatorProbe(addresses: string[]): CoordinatorProbe {
  const named = [...new Set(addresses)].map((address) => createAsked(address, true))
  const others = new Map<string, Asked>()

  return {
    async look(seen) {
      const before = new Set(named.flatMap(({ id }) => id ?? []))
      const strangers = seen.filter(({ id }) => !before.has(id))
      for (const [id, asked] of others) {
        if (strangers.some((stranger) => stranger.id === id && stranger.address === asked.address)) continue
        asked.close()
        others.delete(id)
      }
      for (const { id, address } of strangers) {
        if (!others.has(id)) others.set(id, Object.assign(createAsked(address, false), { id }))
      }
      for (const asked of [...named, ...others.values()]) {
        asked.silentMs = seen.find(({ id }) => id === asked.id)?.silentMs ?? null
      }
      await Promise.all([...named, ...others.values()].map((asked) => asked.ask()))
    },
    facts() {
      const known = new Set(named.flatMap(({ id }) => id ?? []))
      return [...named, ...[...others.values()].filter(({ id }) => id === null || !known.has(id))].map(
        ({ address, id, isNamed, answer, failure, silentMs }) => ({
          ...{ address, id, isNamed, answer, failure, silentMs },
        }),
      )
    },
    close() {
      for (const asked of [...named, ...others.values()]) asked.close()
    },
  }
}

function createAsked(address: string, isNamed: boolean): Asked {
  const client = new Control(address, credentials.createInsecure(), CHANNEL)
  const standard = new HealthClient(address, credentials.createInsecure(), CHANNEL)
  const deadline = () => ({ deadline: Date.now() + ANSWER_MS })

  const asked: Asked = {
    ...{ address, isNamed, id: null, answer: null, failure: null, silentMs: null },
    async ask() {
      try {
        const { id, stopping, troubles } = await getHealth()
        asked.id = id
        asked.answer = { isStopping: stopping, troubles }
        asked.failure = null
      } catch (error) {
        asked.answer = null
        const code = (error as ServiceError).code
        if (code === status.UNIMPLEMENTED) return await askStandard()
        asked.failure = code === status.DEADLINE_EXCEEDED ? 'no answer' : 'no connection'
      }
    },
    close() {
      client.close()
      standard.close()
    },
  }
  return asked

  function getHealth() {
    return new Promise<HealthResponse__Output>((resolve, reject) => {
      client.GetHealth({}, deadline(), (error, response) => {
        if (response) resolve(response)
        else reject(error)
      })
    })
  }

  /** A coordinator of an earlier version knows only the standard question. */
  async function askStandard() {
    const { error, response } = await new Promise<{
      error: ServiceError | null
      response: Standing | undefined
    }>((resolve) => {
      standard.Check({ service: '' }, deadline(), (error, response) => resolve({ error, response }))
    })
    asked.failure = error && (error.code === status.DEADLINE_EXCEEDED ? 'no answer' : 'no connection')
    asked.answer = response ? { isStopping: response.status !== 'SERVING', troubles: [] } : null
  }
}

interface Standing {
  status: string
}

/** The client of grpc.health.v1.Health, as far as it is used here. */
interface HealthClient {
  Check(
    request: { service: string },
    options: { deadline: number },
    reply: (error: ServiceError | null, response?: Standing) => void,
  ): void
  close(): void
}

const { grpc } = loadPackageDefinition(loadSync(protoPath, { enums: String, defaults: true })) as unknown as {
  grpc: {
    health: {
      v1: {
        Health: new (
          address: string,
          channelCredentials: ReturnType<typeof credentials.createInsecure>,
          options: Record<string, number>,
        ) => HealthClient
      }
    }
  }
}
const HealthClient = grpc.health.v1.Health
