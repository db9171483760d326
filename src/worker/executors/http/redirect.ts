import { Failure } from '../executor.ts'
import type { Asked } from './request.ts'

/** What is said to one site alone. */
const PRIVATE_HEADERS = /^(authorization|cookie|proxy-authorization)$/i
const BODY_HEADERS = /^content-/i

/**
 * The request that an answer redirects to, or null when it does not. What was to be changed is asked for again only
 * where the status says so (307, 308); another site gets neither authorization nor cookies.
 */
export function followRedirect(asked: Asked, status: number, location: string | undefined): Asked | null {
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return null
  const url = URL.parse(location, asked.url.href)
  if (!url || !/^https?:$/.test(url.protocol))
    throw new Failure(`redirected to what is no http: or https: URL`, true)
  const keeps = status === 307 || status === 308 || asked.method === 'GET' || asked.method === 'HEAD'
  const isSameSite = url.origin === asked.url.origin
  const headers = Object.entries(asked.headers).filter(
    ([name]) => (isSameSite || !PRIVATE_HEADERS.test(name)) && (keeps || !BODY_HEADERS.test(name)),
  )
  url.username = ''
  url.password = ''
  return {
    url,
    method: keeps ? asked.method : 'GET',
    headers: Object.fromEntries(headers),
    body: keeps ? asked.body : null,
  }
}
