/** Where something listens, or is: a name or an IP address without brackets, and its port. */
export interface Address {
  host: string
  port: number
}

const MAX_LENGTH = 255 + ':65535'.length
const NAME = /^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/
const BRACKETED = /^\[([0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?)\]$/

/** Reads `host`, `host:port` or `[::1]:port`; null for what is neither, such as what names a scheme. */
export function parseHost(text: string): { host: string; port: number | null } | null {
  if (text.length > MAX_LENGTH) return null
  const [, host = '', digits] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(text) ?? []
  const name = BRACKETED.exec(host)?.[1] ?? (NAME.test(host) ? host : null)
  const port = digits === undefined ? null : Number(digits)
  if (name === null || (port !== null && (port < 1 || port > 65_535))) return null
  return { host: name, port }
}

/** Reads `host:port`; null for what is not that. */
export function parseAddress(text: string): Address | null {
  const parsed = parseHost(text)
  return parsed === null || parsed.port === null ? null : { host: parsed.host, port: parsed.port }
}

/** Writes it as `host:port`, an IPv6 address in brackets. */
export const formatAddress = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

/** Takes what gRPC calls a peer apart: `10.0.0.5:40112`, `[::1]:40112` or `::1:40112`. */
export function readPeer(peer: string): Address | null {
  const at = peer.lastIndexOf(':')
  const port = Number(peer.slice(at + 1))
  if (at < 1 || !Number.isInteger(port)) return null
  return { host: peer.slice(0, at).replace(/^\[|\]$/g, ''), port }
}
