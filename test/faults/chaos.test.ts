import { expect, test } from 'bun:test'
import type { ChaosReport } from '../../src/cli/chaos/report.ts'
import { run } from '../support/up.ts'

for (const seed of [1, 2, 3]) {
  test(`every promise is kept through 20 s of the faults of seed ${seed}`, async () => {
    const args = ['chaos', '--seed', String(seed), '--duration', '20s', '--json']
    const { code, out, err } = await run('src/cli/main.ts', args)
    if (code !== 0) console.error(err, out)
    const report = JSON.parse(out) as ChaosReport
    expect(report.checks.flatMap(({ violations }) => violations)).toEqual([])
    expect(report).toMatchObject({ ok: true, seed, folder: null })
    expect(report.faults.length).toBeGreaterThan(20)
    expect(report.acknowledged).toBeGreaterThan(50)
    expect(code).toBe(0)
  }, 120_000)
}
