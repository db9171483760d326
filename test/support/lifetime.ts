import { afterAll, afterEach, beforeEach } from 'bun:test'

type End = () => unknown
/** What is to be ended with a test, or with a test file. */
export type Lifetime = Set<End>

const ofTest: Lifetime = new Set()
/** Of the whole test file; for tests that run at the same time, too, of which each end would be taken for that of all. */
export const ofFile: Lifetime = new Set()
let isInTest = false

/** Of the test that runs, or, outside of any, of the test file. */
export const lifetime = (): Lifetime => (isInTest ? ofTest : ofFile)

/**
 * Ends something with the test that runs, or with the test file if it was started outside of any: even what is idle takes
 * time from the tests that follow.
 *
 * @returns takes that back, for what has ended before
 */
export function atEnd(end: End, of = lifetime()): () => void {
  of.add(end)
  return () => void of.delete(end)
}

async function endAll(of: Lifetime): Promise<void> {
  const ends = [...of]
  of.clear()
  await Promise.all(ends.map((end) => end()))
}

beforeEach(() => {
  isInTest = true
})
afterEach(async () => {
  isInTest = false
  await endAll(ofTest)
})
afterAll(() => endAll(ofFile))
