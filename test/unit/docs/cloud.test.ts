import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { SETTINGS } from '../../../src/shared/settings-table.ts'

const ROOT = join(import.meta.dir, '../../..')
const page = await Bun.file(join(ROOT, 'docs/cloud.md')).text()

test('every setting that the page on clouds names is one, and every path is there', async () => {
  const known = new Set(SETTINGS.map(({ name }) => name))
  const ours =
    /^(POSTGRES|DATABASE|DB|SCHEDULER|COORDINATOR|WORKER|TASK|ALLOWED|FLEET|DRAIN|HEARTBEAT)(_[A-Z]+)*$/
  // POSTGRES_18 is what Google calls a version.
  const named = [...page.matchAll(/\b[A-Z]+(?:_[A-Z]+)*\b/g)]
    .map(([name]) => name)
    .filter((name) => ours.test(name))
  expect(
    [...new Set(named)].filter((name) => !known.has(name) && name !== 'POSTGRES' && name !== 'TASK'),
  ).toEqual([])
  for (const [path] of page.matchAll(/\b(deploy|src)\/[\w/.-]*\w/g))
    expect({
      path,
      isThere:
        (await Bun.file(join(ROOT, path)).exists()) ||
        (await Array.fromAsync(new Bun.Glob(`${path}/*`).scan(ROOT))).length > 0,
    }).toEqual({ path, isThere: true })
})
