import type { Json } from './task.ts'
import { shorten } from './text.ts'

/** What the payload of a task may say to its executor: checked when it is submitted, and again before it runs. */

const FUNCTION_NAME = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$/
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/
const METHOD = /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$/
const HEADER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** What a connection is made of is not for callers to say. */
const OWN_HEADERS =
  /^(host|connection|content-length|transfer-encoding|upgrade|te|trailer|keep-alive|expect|proxy-.*)$/i

export const MAX_REDIRECTS = 5

type Fields = { [key: string]: Json }
/** What is wrong with a value, or null. */
type Check = (value: Json, name: string) => string | null

export const fieldsOf = (payload: Json | null): Fields =>
  payload !== null && typeof payload === 'object' && !Array.isArray(payload) ? payload : {}

/** What is wrong with a task, naming its field, or null. */
export function findPayloadFault(executor: string, command: string, payload: Json | null): string | null {
  if (executor === 'function') {
    return FUNCTION_NAME.test(command)
      ? null
      : 'command must be the name of a handler: letters, digits and _.:-'
  }
  const checks = CHECKS[executor]
  if (!checks) return null
  if (payload !== null && (typeof payload !== 'object' || Array.isArray(payload))) {
    return `payload must be an object for the executor ${executor}`
  }
  const fields = fieldsOf(payload)
  for (const [key, check] of Object.entries(checks)) {
    const value = fields[key]
    const fault = value === undefined || value === null ? null : check(value, `payload.${key}`)
    if (fault) return fault
  }
  if (executor === 'http' && /^(GET|HEAD)$/.test(String(fields.method))) {
    const what = fields.send_parents ? 'payload.send_parents' : isThere(fields.body) ? 'payload.body' : null
    if (what) return `${what} cannot be sent with ${fields.method}, which has no body`
  }
  if (fields.send_parents && !takesParents(fields.body)) {
    return 'payload.body must be an object, or left out, when payload.send_parents is true'
  }
  return executor === 'http'
    ? findUrlFault(urlOf(command, payload), fields.url ? 'payload.url' : 'command')
    : null
}

const isThere = (value: Json | undefined) => value !== undefined && value !== null

/** Whether a body has room for what is told of parents. */
const takesParents = (body: Json | undefined) =>
  body === undefined || body === null || (typeof body === 'object' && !Array.isArray(body))

/** Where an http task goes: what its payload says, or else its command. */
export function urlOf(command: string, payload: Json | null): string {
  const { url } = fieldsOf(payload)
  return typeof url === 'string' && url !== '' ? url : command
}

function findUrlFault(text: string, name: string): string | null {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) return `${name} must be a URL with http: or https:`
  return url.username || url.password ? `${name} must have no name or password; use payload.headers` : null
}

const number =
  (min: number, max: number): Check =>
  (value, name) =>
    typeof value === 'number' && value >= min && value <= max
      ? null
      : `${name} must be a number from ${min} to ${max}`

const whole =
  (min: number, max: number): Check =>
  (value, name) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? null
      : `${name} must be a whole number from ${min} to ${max}`

const matching =
  (pattern: RegExp, what: string): Check =>
  (value, name) =>
    typeof value === 'string' && pattern.test(value) ? null : `${name} must be ${what}`

const flag: Check = (value, name) => (typeof value === 'boolean' ? null : `${name} must be true or false`)

const texts =
  (isName: (key: string) => boolean, what: string): Check =>
  (value, name) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return `${name} must be an object`
    for (const [key, text] of Object.entries(value)) {
      if (!isName(key)) return `${name} has a name that ${what}: ${shorten(key, 100)}`
      if (typeof text !== 'string') return `${name}.${key} must be a string`
    }
    return null
  }

const headers: Check = (value, name) => {
  const isName = (key: string) => HEADER.test(key) && !OWN_HEADERS.test(key)
  const fault = texts(isName, 'is no header that can be set')(value, name)
  if (fault) return fault
  const broken = Object.entries(value as Fields).find(([, text]) => /[\r\n]/.test(String(text)))
  return broken ? `${name}.${broken[0]} must be one line` : null
}

const expectStatus: Check = (value, name) => {
  const items = Array.isArray(value) ? value : [value]
  const isOne = (item: Json) =>
    (Number.isInteger(item) && (item as number) >= 100 && (item as number) <= 599) ||
    (typeof item === 'string' && /^[1-5]xx$/.test(item))
  return items.length > 0 && items.every(isOne)
    ? null
    : `${name} must be a status such as 200, a range such as "2xx", or a list of them`
}

const CHECKS: Record<string, Record<string, Check>> = {
  shell: {
    env: texts(
      (key) => VARIABLE.test(key) && !key.startsWith('TASKMASTER_'),
      'is no name for a variable, or is one of ours',
    ),
    memory_mb: whole(1, 1_048_576),
    cpus: number(0.01, 1024),
  },
  http: {
    url: matching(/^/, 'a string'),
    method: matching(METHOD, 'GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS'),
    headers,
    expect_status: expectStatus,
    timeout_ms: whole(1, 2_147_483_647),
    max_redirects: whole(0, MAX_REDIRECTS),
    send_parents: flag,
  },
}

/** Whether a status is one that `expect_status` names; unset: 200 to 299. */
export function isExpected(status: number, expected: Json | undefined): boolean {
  const items = Array.isArray(expected) ? expected : [expected ?? '2xx']
  return items.some((item) =>
    typeof item === 'string' ? item[0] === String(Math.floor(status / 100)) : item === status,
  )
}
