import { AppError } from '../../shared/core/error.ts'
import { parseDurationMs } from '../duration.ts'
import type { Rate } from './view.ts'

export interface LimitOptions {
  concurrency?: string
  rate?: string
  keyConcurrency?: string
  keyRate?: string
}

const NONE = 'none'

/**
 * The limits that were given, as the scheduler takes them; what was not is left out.
 *
 * @throws `invalid` naming the option
 */
export function parseLimits({ concurrency, rate, keyConcurrency, keyRate }: LimitOptions): object {
  const perKey = {
    ...(keyConcurrency !== undefined && { concurrency: parseCount('--key-concurrency', keyConcurrency) }),
    ...(keyRate !== undefined && { rate: parseRate('--key-rate', keyRate) }),
  }
  const limits = {
    ...(concurrency !== undefined && { concurrency: parseCount('--concurrency', concurrency) }),
    ...(rate !== undefined && { rate: parseRate('--rate', rate) }),
    ...(Object.keys(perKey).length > 0 && { per_key: perKey }),
  }
  if (Object.keys(limits).length > 0) return limits
  throw new AppError('invalid', 'give --concurrency, --rate, --key-concurrency or --key-rate')
}

function parseCount(option: string, text: string): number | null {
  if (text === NONE) return null
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text)
  throw new AppError('invalid', `Invalid ${option}: ${text}. Write a number from 1, or ${NONE}.`)
}

/** `100/1m`: so many in any such time. */
function parseRate(option: string, text: string): Rate | null {
  if (text === NONE) return null
  const [, limit, period = ''] = /^([1-9]\d{0,9})\/(.+)$/.exec(text) ?? []
  if (!limit) throw new AppError('invalid', `Invalid ${option}: ${text}. Write it like 100/1m, or ${NONE}.`)
  return { limit: Number(limit), period_ms: parseDurationMs(/^\d/.test(period) ? period : `1${period}`) }
}
