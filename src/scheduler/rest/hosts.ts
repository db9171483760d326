import { Refusal } from './route.ts'

/** The names under which a scheduler may be called. */
export interface AllowedHosts {
  readonly names: ReadonlySet<string>
  /** Whether every IP address is allowed too: a DNS name cannot be rebound to one, and probes call by address. */
  readonly addresses: boolean
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/**
 * Decides under which names a scheduler may be called; null: any. A site can point its own name to any address, and
 * the browser then takes the scheduler for that site's own server. So only known names are answered: those of
 * loopback, the address it listens on, the machine's name unless it listens on loopback, and the given ones.
 *
 * @param host where it listens
 * @param given the further names that its operator allows; `*` is any
 * @param machine the name of this machine
 */
export function allowedHosts(host: string, given: string[], machine = ''): AllowedHosts | null {
  if (given.includes('*')) return null
  const own = nameOf(host.includes(':') && !host.startsWith('[') ? `[${host}]` : host) ?? ''
  const isLocal = LOOPBACK.includes(own)
  const machines = isLocal ? [] : [machine, machine.split('.', 1)[0] ?? '']
  const names = [...given, ...machines].map((name) => nameOf(name) ?? '')
  return { names: new Set([...LOOPBACK, own, ...names].filter(Boolean)), addresses: !isLocal }
}

/**
 * Lets a request pass that names a host by which this server may be called.
 *
 * @throws 400 for a Host header that is missing or is not `name` or `name:port`, 403 for a name that is not allowed
 */
export function refuseOtherHosts(request: Request, allowed: AllowedHosts | null): void {
  // Bun leaves the host out of the URL when it cannot be part of one, or when the target is not a path.
  const url = URL.parse(request.url)
  const host = request.headers.get('host') ?? url?.host ?? ''
  const name = url?.protocol.startsWith('http') ? nameOf(host) : null
  if (!name) throw new Refusal(400, 'the Host header must be a name or an address, with a port or without')
  if (!allowed || allowed.names.has(name) || (allowed.addresses && isAddress(name))) return
  throw new Refusal(
    403,
    `this server does not answer to ${name}; add that name to ALLOWED_HOSTS if it should`,
  )
}

/** RFC 9110, section 7.2, as far as names of hosts go: a name, IPv4 or [IPv6], and a port. */
const HOST = /^([a-z0-9_](?:[a-z0-9_.-]{0,253})|\[[0-9a-f:.]{2,45}\])(?::(\d{0,5}))?$/i

/** The name of `host:port`, as a browser writes it; null when it is not one. */
function nameOf(host: string): string | null {
  const [, name, port] = HOST.exec(host) ?? []
  if (name === undefined || Number(port || 0) > 65_535) return null
  return URL.parse(`http://${name}`)?.hostname || null
}

const isAddress = (name: string) => name.startsWith('[') || /^\d{1,3}(\.\d{1,3}){3}$/.test(name)
