import type { Context, MiddlewareHandler } from 'hono'
import type { Env } from '../rest/route.ts'
import type { Site, SiteFile } from './site.ts'

/** What the dashboard's router knows. Some are routes of the contract too: there Accept decides. */
const ROUTES =
  /^\/(tasks|workflows|queues|schedules?|activity|(tasks|workflows|workers|schedules)\/[^/]+)?\/?$/
const NO_PAGES = /^\/(api|trpc|assets|ws)(\/|$)/

const NOT_BUILT = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>TaskMaster</title>
<h1>The dashboard is not built yet</h1>
<p>Run <code>bun run build</code> where TaskMaster is installed, then reload this page.
<code>bun run up</code> does so by itself.</p>
<p>Everything else works: <a href="/readyz">readiness</a>, <a href="/api/stats">figures</a>, <a href="/api/tasks">tasks</a>.</p>
</html>
`

/** Serves the built dashboard to browsers; whoever does not ask for HTML is answered by the routes behind. */
export function serveSite(site: Site): MiddlewareHandler<Env> {
  return async (c, next) => {
    const { method, path } = c.req
    if (method !== 'GET' && method !== 'HEAD') return await next()
    const file = path.includes('.') ? await site.file(path) : null
    if (file)
      return answer(c, file, path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache')
    if (!ROUTES.test(path)) return await next()
    if (acceptsHtml(c)) return await servePage(c, site, 200)
    await next()
    c.res.headers.append('Vary', 'Accept')
  }
}

/** The dashboard's own "not found", for a browser that asks for a page that there is not; else null. */
export async function serveNotFound(c: Context<Env>, site: Site): Promise<Response | null> {
  const isPage = c.req.method === 'GET' && acceptsHtml(c) && !NO_PAGES.test(c.req.path)
  return isPage ? await servePage(c, site, 404) : null
}

async function servePage(c: Context<Env>, site: Site, status: 200 | 404): Promise<Response> {
  c.header('Vary', 'Accept')
  const page = await site.page()
  if (page) return answer(c, page, 'no-cache', status)
  return c.html(NOT_BUILT, status === 200 ? 503 : status, { 'Cache-Control': 'no-store' })
}

function answer(c: Context<Env>, file: SiteFile, caching: string, status: 200 | 404 = 200): Response {
  const takesGzip = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '')
  const gzip = takesGzip ? file.gzip : null
  // What is the same in other bytes has another tag.
  const etag = gzip ? file.etag.replace(/"$/, '-gzip"') : file.etag
  c.header('ETag', etag)
  c.header('Cache-Control', caching)
  if (file.gzip) c.header('Vary', 'Accept-Encoding', { append: true })
  if (status === 200 && namesTag(c.req.header('if-none-match'), etag)) return c.body(null, 304)
  if (gzip) c.header('Content-Encoding', 'gzip')
  return c.body(gzip ?? file.bytes, status, { 'Content-Type': file.type })
}

const namesTag = (header: string | undefined, etag: string) =>
  header?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag) ?? false

/** Whether it asks for HTML by name; programs that take anything do not. */
function acceptsHtml(c: Context<Env>): boolean {
  const types = (c.req.header('accept') ?? '').split(',')
  return types.some((type) => /^\s*text\/html\b/i.test(type) && !/;\s*q=0(\.0*)?\s*$/.test(type))
}
