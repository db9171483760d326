import { AppError } from './core/error.ts'
import { createNetworks } from './networks.ts'
import { DEFAULT_SCHEMA, isSchemaName, SCHEMA_NAME_HELP } from './store/schema.ts'

/** How one setting is read: its text (or null when unset) to its value, or an error that says what is wrong. */
export interface Setting<T> {
  read(text: string | null): T
}

type Values<Spec extends Record<string, Setting<unknown>>> = {
  readonly [Name in keyof Spec]: Spec[Name] extends Setting<infer T> ? T : never
}

const wrong = (what: string): never => {
  throw new AppError('invalid', what)
}

export const text = (fallback: string): Setting<string> => ({ read: (given) => given ?? fallback })

const schemaName = (): Setting<string> => ({
  read(given) {
    const name = given || DEFAULT_SCHEMA
    return isSchemaName(name) ? name : wrong(`must be ${SCHEMA_NAME_HELP}; not "${given}"`)
  },
})

export const optionalText = (): Setting<string | null> => ({ read: (given) => given || null })

export const integer = (fallback: number, min: number, max: number): Setting<number> => ({
  read(given) {
    if (given === null) return fallback
    const value = Number(given)
    return /^\s*-?\d+\s*$/.test(given) && value >= min && value <= max
      ? value
      : wrong(`must be a whole number from ${min} to ${max}, not "${given}"`)
  },
})

/** Milliseconds. */
export const duration = (fallbackMs: number, minMs = 1): Setting<number> =>
  integer(fallbackMs, minMs, 2_147_483_647)

const AGE_UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** How long something is kept, in ms: `45m`, `12h`, `30d`, a number of ms; unset, `keep` or `forever`: null. */
export const optionalAge = (): Setting<number | null> => ({
  read(given) {
    if (given === null || /^(keep|forever)$/i.test(given)) return null
    const [, digits, unit = 'ms'] = /^(\d{1,12})\s*(ms|s|m|h|d)?$/.exec(given.trim()) ?? []
    return digits === undefined
      ? wrong(`must look like 45m, 12h or 30d, or be keep, not "${given}"`)
      : Number(digits) * AGE_UNITS[unit as keyof typeof AGE_UNITS]
  },
})

/** ms from 1, or `off`: null. */
export const durationOrOff = (fallbackMs: number): Setting<number | null> => ({
  read: (given) => (given !== null && /^off$/i.test(given.trim()) ? null : duration(fallbackMs).read(given)),
})

/** A port, written `8081` or `:8081`; 0 means any free one. */
export const port = (fallback: number): Setting<number> => ({
  read: (given) => integer(fallback, 0, 65535).read(given?.replace(/^:/, '') ?? null),
})

/** Words separated by commas. */
export const list = (fallback: string[]): Setting<string[]> => ({
  read: (given) =>
    given === null
      ? fallback
      : given
          .split(',')
          .map((word) => word.trim())
          .filter(Boolean),
})

/** Networks as CIDRs or single addresses, separated by commas; `*`: all. */
export const networks = (): Setting<string[]> => ({
  read(given) {
    const all = list([]).read(given)
    createNetworks(all)
    return all
  },
})

/** Some of these words, separated by commas; unset: null. */
export const words = <const T extends string>(known: readonly T[]): Setting<T[] | null> => ({
  read(given) {
    if (given === null) return null
    return list([])
      .read(given)
      .map(
        (word) =>
          known.find((one) => one === word.toLowerCase()) ??
          wrong(`must be some of ${known.join(', ')}, not "${word}"`),
      )
  },
})

/** Two whole numbers, the first no larger: `3:50`; unset or `off`: null. */
export const optionalRange = (min: number, max: number): Setting<{ min: number; max: number } | null> => ({
  read(given) {
    if (given === null || /^off$/i.test(given.trim())) return null
    const [, low, high] = /^\s*(\d{1,9}):(\d{1,9})\s*$/.exec(given) ?? []
    const range = { min: Number(low), max: Number(high) }
    return range.min >= min && range.min <= range.max && range.max <= max
      ? range
      : wrong(`must be off, or two whole numbers from ${min} to ${max} such as 3:50, not "${given}"`)
  },
})

export const oneOf = <const T extends string>(fallback: T, values: readonly T[]): Setting<T> => ({
  read(given) {
    const value = given?.toLowerCase() ?? fallback
    return (
      values.find((known) => known === value) ?? wrong(`must be one of ${values.join(', ')}, not "${given}"`)
    )
  },
})

/**
 * Reads settings from flags (`--scheduler-port 9000` or `--scheduler-port=9000`) and the environment
 * (`SCHEDULER_PORT=9000`); a flag wins, and an empty variable counts as unset.
 *
 * @throws `invalid` naming every setting that is wrong, all at once
 */
export function readSettings<Spec extends Record<string, Setting<unknown>>>(
  spec: Spec,
  env: Record<string, string | undefined>,
  args: string[] = [],
): Values<Spec> {
  const faults: string[] = []
  const flags = readFlags(Object.keys(spec), args, faults)
  const values = Object.entries(spec).map(([name, setting]) => {
    try {
      return [name, setting.read(flags.get(name) ?? (env[name] || null))]
    } catch (error) {
      faults.push(`${name} ${(error as Error).message}`)
      return [name, undefined]
    }
  })
  if (faults.length > 0) throw new AppError('invalid', `Wrong settings: ${faults.join('; ')}`)
  return Object.freeze(Object.fromEntries(values)) as Values<Spec>
}

/** The settings that `read` gives; when it throws, its message on standard error and an exit with 1. */
export function settingsOrExit<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    console.error((error as Error).message)
    process.exit(1)
  }
}

/** Flags that stand for a setting of another name: a short one of ours, and those that programs of other systems take. */
const ALIASES = {
  folder: 'TASKMASTER_FOLDER',
  'worker-id': 'WORKER_NAME',
  master: 'COORDINATOR_ADDRESS',
  'grpc-port': 'COORDINATOR_PORT',
  'http-port': 'SCHEDULER_PORT',
} as const

function readFlags(names: string[], args: string[], faults: string[]): Map<string, string> {
  const flags = new Map<string, string>()
  const aliases = Object.entries(ALIASES).filter(([, name]) => names.includes(name))
  const known = new Map([
    ...aliases,
    ...names.map((name) => [name.toLowerCase().replaceAll('_', '-'), name] as const),
  ])
  for (let index = 0; index < args.length; index++) {
    const [flag = '', inline] = splitOnce(args[index] ?? '', '=')
    // One dash will do: so it does for programs in Go.
    const name = /^--?\w/.test(flag) ? known.get(flag.replace(/^--?/, '')) : undefined
    const value = inline ?? args[++index]
    if (name === undefined) faults.push(`unknown flag ${flag}`)
    else if (value === undefined) faults.push(`${flag} needs a value`)
    else flags.set(name, value)
  }
  return flags
}

function splitOnce(whole: string, separator: string): [string, string | undefined] {
  const at = whole.indexOf(separator)
  return at < 0 ? [whole, undefined] : [whole.slice(0, at), whole.slice(at + 1)]
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** The settings every service takes. */
export const commonSettings = { LOG_LEVEL: oneOf('info', LOG_LEVELS) }

/** How the database is reached. */
export const databaseSettings = {
  DATABASE_URL: optionalText(),
  POSTGRES_USER: text('postgres'),
  POSTGRES_PASSWORD: text(''),
  POSTGRES_DB: text('postgres'),
  POSTGRES_HOST: text('localhost'),
  POSTGRES_PORT: port(5432),
  DB_SCHEMA: schemaName(),
  DB_POOL_MAX: integer(20, 1, 1000),
  DB_CONNECT_TIMEOUT: duration(2000),
  DB_IDLE_TIMEOUT: duration(30_000),
  DB_STATEMENT_TIMEOUT: duration(10_000),
  DB_MAX_RETRIES: integer(5, 1, 1_000_000),
}

/** When a worker that says nothing is gone: its heartbeat interval times the beats it may miss. */
export const heartbeatSettings = {
  HEARTBEAT_INTERVAL: duration(5000, 10),
  MAX_HEARTBEAT_MISSES: integer(3, 1, 1000),
}

/** Lines about single tasks: how many of each kind in a second. */
export const taskLogSettings = {
  TASK_LOGS: {
    read(given: string | null): number {
      if (given !== null && /^off$/i.test(given.trim())) return 0
      if (given !== null && /^all$/i.test(given.trim())) return Number.POSITIVE_INFINITY
      return integer(100, 0, 1_000_000).read(given)
    },
  },
}
