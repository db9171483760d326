import { expect, test } from 'bun:test'
import type { ChaosReport } from '../../src/cli/chaos/report.ts'
import { run } from '../support/up.ts'

// Between them they strike processes, paths and PostgreSQL, drain, freeze, fail writes, fill the queue and take the connections.
const RUNS = [
  { seed: 2, seconds: 14, weather: 'storm', faults: 15 },
  { seed: 1, seconds: 15, weather: 'still', faults: 3 },
  { seed: 5, seconds: 19, weather: 'still', faults: 3 },
] as const

// Each is a system of its own, and mostly waits.
for (const { seed, seconds, weather, faults } of RUNS) {
  test.concurrent(`every promise is kept through ${seconds} s of the faults of seed ${seed}, a ${weather} one`, async () => {
    const args = ['chaos', '--seed', String(seed), '--duration', `${seconds}s`, '--json']
    const { code, out, err } = await run('src/cli/main.ts', args)
    if (code !== 0) console.error(err, out)
    const report = JSON.parse(out) as ChaosReport
    expect(report.checks.flatMap(({ violations }) => violations)).toEqual([])
    expect(report).toMatchObject({ ok: true, seed, weather, folder: null })
    expect(report.faults.length).toBeGreaterThanOrEqual(faults)
    expect(report.acknowledged).toBeGreaterThan(50)
    expect(code).toBe(0)
  }, 120_000)
}
