import { createRandom, type Random } from '../../src/cli/chaos/random.ts'

/** Decides all chance in a run of the tests: TEST_SEED repeats an earlier run, which named it when it failed. */
export const seed = Number(process.env.TEST_SEED || 1 + Math.floor(Math.random() * 1_000_000_000))

/** Chance of a test's own: the same for the same run's seed and the same `purpose`, whatever else ran before. */
export const randomFor = (purpose: string): Random => createRandom(seed ^ Bun.hash.crc32(purpose))
