import { inspect } from 'node:util'
import { exactly } from '../shared/core/exact-json.ts'
import { OUTPUT_LIMITS } from '../shared/core/output.ts'
import { findJsonFault, MAX_RESULT_DEPTH, textResult } from '../shared/core/storable.ts'

export interface KeptResult {
  json: string
  /** Why it is kept as a text; null: it is kept as it is. */
  fault: string | null
}

/**
 * A result as it is kept. What a task came to never decides whether it succeeded: its work is done. So what cannot be
 * stored as JSON is kept as a text: that of its JSON, or that of the value where there is none.
 */
export function keepResult(result: unknown): KeptResult {
  const fault = findJsonFault(result, MAX_RESULT_DEPTH)
  const json = jsonOf(result)
  if (json === null)
    return { json: textResult(inspect(result, { depth: 10 })), fault: fault ?? 'must be JSON' }
  if (fault !== null) return { json: textResult(json), fault }
  return json.length > OUTPUT_LIMITS.result
    ? { json: textResult(json), fault: `must be at most ${OUTPUT_LIMITS.result} characters` }
    : { json, fault }
}

/** Null where JSON would say something else than the value, or nothing at all. */
function jsonOf(result: unknown): string | null {
  let isOther = false
  try {
    const json = JSON.stringify(result, (_key, value) => {
      if (typeof value === 'bigint') return exactly(String(value))
      isOther ||= typeof value === 'function' || typeof value === 'symbol'
      isOther ||= typeof value === 'number' && !Number.isFinite(value)
      return value
    })
    return isOther || json === undefined ? null : json
  } catch {
    return null
  }
}
