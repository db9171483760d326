import { AppError } from '../../shared/core/error.ts'
import { idempotencyKey, parse } from '../schemas.ts'

/** The `Idempotency-Key` header, or null. @throws `invalid` */
export function readIdempotencyKey(request: Request): string | null {
  const given = request.headers.get('idempotency-key')
  return given === null ? null : parse(idempotencyKey, given)
}

/**
 * A body with the key of the header in its field `idempotency_key`.
 *
 * @throws `invalid` when it has another there
 */
export function withIdempotencyKey(body: unknown, key: string | null): unknown {
  if (key === null || typeof body !== 'object' || body === null || Array.isArray(body)) return body
  const { idempotency_key: given = null } = body as { idempotency_key?: unknown }
  if (given !== null && given !== key) {
    throw new AppError('invalid', 'idempotency_key and the Idempotency-Key header differ')
  }
  return { ...body, idempotency_key: key }
}
