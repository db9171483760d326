import { Refusal } from './route.ts'

/**
 * A browser lets any site open a WebSocket anywhere, or post without a body, and says which site it was.
 *
 * @throws 403 with this message
 */
export function refuseOtherSites(request: Request, message: string): void {
  const origin = request.headers.get('origin')
  if (origin === null) return
  const from = URL.parse(origin)
  const to = URL.parse(`http://${request.headers.get('host') ?? ''}`)
  const isSame = from !== null && to !== null && (from.host === to.host || (isLocal(from) && isLocal(to)))
  if (!isSame) throw new Refusal(403, message)
}

const isLocal = ({ hostname }: URL) => ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
