import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { flagOf, type Program, settingsOf } from '../../../src/shared/settings-table.ts'

const ROOT = join(import.meta.dir, '..', '..', '..')
const SERVICES: Exclude<Program, 'up'>[] = ['scheduler', 'coordinator', 'worker', 'docker-proxy']

async function run(entry: string, ...args: string[]) {
  const child = Bun.spawn([process.execPath, join(ROOT, entry), ...args], { stdout: 'pipe', stderr: 'pipe' })
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { code, out, err }
}

test.each(SERVICES)('%s --help lists every flag that it takes, and starts nothing', async (service) => {
  const { code, out, err } = await run(`src/${service}/main.ts`, '--help')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const listed = [...out.matchAll(/^ {2}(--\S+)/gm)].map(([, flag]) => flag)
  expect(listed).toEqual(settingsOf(service).map(({ name }) => flagOf(name)))
})

test('up --help lists the flags of all services that it starts', async () => {
  const { code, out, err } = await run('src/cli/up.ts', '--help')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  for (const flag of ['--autoscale', '--task-retention', '--worker-pool-size', '--scan-interval'])
    expect(out).toContain(`\n  ${flag} `)
})
