import { AppError } from '../core/error.ts'

/** A container as `GET /containers/json` lists it. */
export interface ListedContainer {
  Id: string
  /** Each with a leading slash. */
  Names: string[]
  Labels: Record<string, string>
  /** `running`, `created`, `exited`, … */
  State: string
}

/** A container as `GET /containers/{id}/json` tells of it, as far as it is read here. */
export interface InspectedContainer {
  Id: string
  /** With a leading slash. */
  Name: string
  Config: { Hostname: string; Labels: Record<string, string> | null; [setting: string]: unknown }
  HostConfig: Record<string, unknown>
  NetworkSettings: { Networks: Record<string, { Aliases?: string[] | null }> }
}

export interface EngineService {
  ID: string
  Version: { Index: number }
  Spec: {
    Name: string
    Labels: Record<string, string> | null
    Mode: { Replicated?: { Replicas: number } }
    [setting: string]: unknown
  }
}

/** The calls of Docker's Engine API that fleets need. */
export interface Engine {
  /** The answer's JSON, or null where it is empty. @throws EngineError, `unavailable` when there is no answer */
  call<T>(method: 'GET' | 'POST' | 'DELETE', path: string, options?: CallOptions): Promise<T>
}

export interface CallOptions {
  query?: Record<string, string>
  body?: unknown
  /** ms to wait for the answer; default 10,000. */
  limitMs?: number
}

/** The engine answered, and refused. */
export class EngineError extends AppError {
  constructor(
    /** The HTTP status of its answer. */
    readonly status: number,
    message: string,
  ) {
    super('unavailable', message)
  }
}

/**
 * @param host as in DOCKER_HOST: `unix:///var/run/docker.sock` or `tcp://host:2375`
 */
export function createEngine(host: string): Engine {
  const socket = /^unix:\/\/(\/.+)$/.exec(host)?.[1]
  const address = /^(?:tcp|http):\/\/([\w.:[\]-]+)\/?$/.exec(host)?.[1]
  if (!socket && !address) {
    throw new AppError('invalid', `DOCKER_HOST must look like unix:///path or tcp://host:2375, not "${host}"`)
  }
  const base = `http://${address ?? 'docker'}`

  return {
    async call<T>(
      method: string,
      path: string,
      { query = {}, body, limitMs = 10_000 }: CallOptions = {},
    ): Promise<T> {
      const url = new URL(path, base)
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
      let response: Response
      let text: string
      try {
        response = await fetch(url, {
          method,
          signal: AbortSignal.timeout(limitMs),
          proxy: false,
          ...(socket && { unix: socket }),
          ...(body !== undefined && {
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(body),
          }),
        })
        text = await response.text()
      } catch (error) {
        const hint = address ? ' (docker compose --profile scaling up -d starts what answers)' : ''
        throw new AppError('unavailable', `no Docker engine answers at ${host}${hint}`, { cause: error })
      }
      if (!response.ok && response.status !== 304) throw new EngineError(response.status, reasonOf(text))
      return (text && response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : null) as T
    },
  }
}

function reasonOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    if (typeof message === 'string') return `Docker says: ${message}`
  } catch {
    // no JSON: below
  }
  return 'Docker refused'
}
