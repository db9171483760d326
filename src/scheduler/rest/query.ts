import type { Context } from 'hono'
import { AppError } from '../../shared/core/error.ts'
import type { Env } from './route.ts'

/**
 * The parameters of a request for tasks. Those that begin with `_` are left out: clients add them to pass caches.
 *
 * @throws `invalid` naming one that is given twice: which of the two is meant cannot be known
 */
export function readQuery(c: Context<Env>): Record<string, string> {
  const query: Record<string, string> = {}
  for (const [name, values] of Object.entries(c.req.queries())) {
    if (name.startsWith('_')) continue
    if (values.length > 1) throw new AppError('invalid', `${name} is given more than once`)
    query[name] = values[0] ?? ''
  }
  return query
}
