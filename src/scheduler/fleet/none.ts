import { AppError } from '../../shared/core/error.ts'
import type { Fleet } from './port.ts'

/** No fleet: whoever started the workers must scale them. */
export function createNoFleet(reason: string): Fleet {
  const refuse = () => Promise.reject(new AppError('unavailable', reason))
  return { isScalable: false, scale: refuse, kill: refuse }
}
