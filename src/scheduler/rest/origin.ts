import { isLoopback } from '../../shared/core/loopback.ts'
import { list, type Setting } from '../../shared/settings.ts'
import { Refusal } from './route.ts'

/** Other sites whose pages may use a scheduler, as browsers name them: `http://localhost:3000`. */
export type AllowedOrigins = ReadonlySet<string>

/** Sites separated by commas, each a scheme, a host and a port. */
export function origins(): Setting<AllowedOrigins> {
  return {
    read: (given) =>
      new Set(
        list([])
          .read(given)
          .map((site) => {
            const url = URL.parse(site)
            if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin
            throw new Error(`must be sites such as http://localhost:3000, not "${site}"`)
          }),
      ),
  }
}

/**
 * A browser lets any site post anywhere, or open a WebSocket, and says which site it was. A page of another
 * port of this machine is another site too.
 *
 * @throws 403 with this message, and with what allows that site
 */
export function refuseOtherSites(request: Request, allowed: AllowedOrigins, message: string): void {
  refuse(request, allowed, message, (from, to) => isLocal(from) && isLocal(to) && from.port === to.port)
}

/** The same, but for whatever is served on this machine: a page under development may look on. */
export function refuseRemoteSites(request: Request, allowed: AllowedOrigins, message: string): void {
  refuse(request, allowed, message, (from, to) => isLocal(from) && isLocal(to))
}

function refuse(
  request: Request,
  allowed: AllowedOrigins,
  message: string,
  isAlike: (from: URL, to: URL) => boolean,
): void {
  const origin = request.headers.get('origin')
  if (origin === null) return
  const from = URL.parse(origin)
  if (!from?.host) throw new Refusal(403, message)
  const to = URL.parse(`http://${request.headers.get('host') ?? ''}`)
  if (allowed.has(from.origin) || (to && (from.host === to.host || isAlike(from, to)))) return
  throw new Refusal(403, `${message}; add ${from.origin} to ALLOWED_ORIGINS if that site may`)
}

const isLocal = ({ hostname }: URL) => isLoopback(hostname)
