import { Refusal } from './route.ts'

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/**
 * The host names under which a scheduler may be called; null: any. One that listens on loopback is strict: any
 * site can have its own name point to 127.0.0.1, and would then be taken for ours by the browser. One that
 * listens to others has names that only its operator knows.
 *
 * @param host where it listens
 * @param given the further names that its operator allows; `*` is any
 */
export function allowedHosts(host: string, given: string[]): ReadonlySet<string> | null {
  const own = nameOf(host.includes(':') && !host.startsWith('[') ? `[${host}]` : host)
  if (given.includes('*') || (given.length === 0 && !LOOPBACK.includes(own))) return null
  return new Set([...LOOPBACK, own, ...given.map(nameOf)])
}

/** @throws 403 for a name that is not among them */
export function refuseOtherHosts(request: Request, allowed: ReadonlySet<string> | null): void {
  if (!allowed) return
  const host = request.headers.get('host') ?? new URL(request.url).host
  if (!allowed.has(nameOf(host))) {
    throw new Refusal(
      403,
      `this is not ${host.slice(0, 255)}; ALLOWED_HOSTS says by which names it may be called`,
    )
  }
}

/** The name of `host:port`, as a browser writes it. */
const nameOf = (host: string) => URL.parse(`http://${host}`)?.hostname ?? ''
