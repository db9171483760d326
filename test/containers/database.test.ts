import { describe, expect, test } from 'bun:test'
import { hasEngine, PATIENCE_MS, run } from '../support/engine.ts'

/** Statements, migrations, triggers and the listener: enough to tell whether this PostgreSQL is one that we know. */
const FILES = ['claims', 'settle', 'migrations', 'events', 'workers'].map((name) => `store/${name}.test`)

describe.skipIf(!hasEngine)('PostgreSQL in a container', () => {
  test(
    'holds what the store and its migrations are tested for',
    async () => {
      const { code, out, err } = await run([process.execPath, 'test/run.ts', ...FILES], {
        TEST_DATABASE: 'testcontainers',
        TASKMASTER_TEST_DATABASE: '',
      })
      if (code !== 0) console.error(err.slice(-5000))
      const [, passed, failed] = /^(\d+) passed, (\d+) failed$/m.exec(out) ?? []
      expect({ code, failed }).toEqual({ code: 0, failed: '0' })
      expect(Number(passed)).toBeGreaterThan(30)
      expect(err + out).toContain('Testing on PostgreSQL in a container')
    },
    PATIENCE_MS,
  )
})
