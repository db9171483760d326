import { Refusal } from './route.ts'

/**
 * A browser lets any site post anywhere, or open a WebSocket, and says which site it was. A page of another
 * port of this machine is another site too.
 *
 * @throws 403 with this message
 */
export function refuseOtherSites(request: Request, message: string): void {
  if (!isFrom(request, (from, to) => isLocal(from) && isLocal(to) && from.port === to.port)) {
    throw new Refusal(403, message)
  }
}

/** The same, but for whatever is served on this machine: a page under development may look on. */
export function refuseRemoteSites(request: Request, message: string): void {
  if (!isFrom(request, (from, to) => isLocal(from) && isLocal(to))) throw new Refusal(403, message)
}

function isFrom(request: Request, orAlike: (from: URL, to: URL) => boolean): boolean {
  const origin = request.headers.get('origin')
  if (origin === null) return true
  const from = URL.parse(origin)
  const to = URL.parse(`http://${request.headers.get('host') ?? ''}`)
  return from !== null && to !== null && (from.host === to.host || orAlike(from, to))
}

const isLocal = ({ hostname }: URL) => ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
