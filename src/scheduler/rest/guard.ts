import type { MiddlewareHandler } from 'hono'
import { type AllowedHosts, refuseOtherHosts } from './hosts.ts'
import { type AllowedOrigins, refuseOtherSites } from './origin.ts'
import type { Env } from './route.ts'

/** What a page of ours may do: nothing but what its own files and its own server give it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "style-src-attr 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

const READING = ['GET', 'HEAD', 'OPTIONS']

/** Says in every answer, refusals too, what a browser may do with it. */
export const protect: MiddlewareHandler<Env> = async (c, next) => {
  await next()
  for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value)
}

/**
 * Keeps other sites from using this server through the browser of somebody who can reach it: what is not called
 * by a name of ours is refused, and so is what would change something and comes from another site.
 *
 * @param hosts see `allowedHosts`
 * @param origins other sites that may
 */
export function guard(hosts: AllowedHosts | null, origins: AllowedOrigins): MiddlewareHandler<Env> {
  return async (c, next) => {
    refuseOtherHosts(c.req.raw, hosts)
    if (!READING.includes(c.req.method))
      refuseOtherSites(c.req.raw, origins, 'other sites may not change anything here')
    await next()
  }
}
