import { expect, test } from 'bun:test'
import { readlink } from 'node:fs/promises'
import { join } from 'node:path'

const ROOT = join(import.meta.dir, '../../..')
const { scripts } = (await Bun.file(join(ROOT, 'package.json')).json()) as { scripts: Record<string, string> }

test('the scripts that operators of other systems look for are there, and start what exists', async () => {
  for (const name of [
    'coordinator',
    'scheduler',
    'worker',
    'test:coverage',
    'test:watch',
    'lint',
    'type-check',
    'preview',
  ]) {
    const script = scripts[name] ?? ''
    expect({ name, script }).toEqual({ name, script: expect.stringMatching(/\S/) })
    const file = /(src|test)\/\S+\.ts/.exec(script)?.[0]
    if (file)
      expect({ file, isThere: await Bun.file(join(ROOT, file)).exists() }).toEqual({ file, isThere: true })
  }
})

test('each service starts by the script of its name, and takes flags', () => {
  for (const service of ['coordinator', 'scheduler', 'worker']) {
    const { exitCode, stdout } = Bun.spawnSync([process.execPath, 'run', service, '--help'], { cwd: ROOT })
    expect({ service, exitCode }).toEqual({ service, exitCode: 0 })
    expect(stdout.toString()).toContain(`Starts one ${service}`)
  }
})

test('docker-compose-node.yml is docker-compose.yml by another name', async () => {
  expect(await readlink(join(ROOT, 'docker-compose-node.yml'))).toBe('docker-compose.yml')
})
