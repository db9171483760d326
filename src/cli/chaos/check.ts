import { CHECKS } from './checks.ts'
import type { Evidence } from './evidence.ts'
import { indexEvidence } from './indexed.ts'

export interface CheckResult {
  /** The promise, as a sentence. */
  name: string
  /** How many things were held against it. */
  looked: number
  violations: string[]
}

/** Holds what happened against every promise. Pure: it sees the evidence and nothing else. */
export function checkEvidence(evidence: Evidence): CheckResult[] {
  const index = indexEvidence(evidence)
  return Object.entries(CHECKS).map(([name, check]) => {
    const findings = [...check(index)]
    const violations = findings.filter((finding) => finding !== null)
    return { name, looked: findings.length, violations }
  })
}
