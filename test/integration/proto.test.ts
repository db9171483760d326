import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { scripts } from '../../package.json'

const ROOT = join(import.meta.dir, '..', '..')
const GENERATED = 'src/shared/rpc/gen'
const folder = await mkdtemp(join(tmpdir(), 'taskmaster-proto-'))
afterAll(() => rm(folder, { recursive: true }))

async function contents(of: string): Promise<Record<string, string>> {
  const names = [...new Bun.Glob('**/*.ts').scanSync(of)].sort()
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await Bun.file(join(of, name)).text()] as const)),
  )
}

test('the generated types are those of the proto file; if not, `bun run proto` makes them', async () => {
  const [program, ...words] = scripts.proto.split(' ')
  const args = words.map((word) => word.replace(GENERATED, folder))
  const path = join(ROOT, 'node_modules', '.bin', program as string)
  const generator = Bun.spawn([process.execPath, path, ...args], {
    cwd: ROOT,
    stdout: 'ignore',
    stderr: 'inherit',
  })
  expect(await generator.exited).toBe(0)
  const generated = await contents(folder)
  expect(Object.keys(generated)).not.toBeEmpty()
  expect(await contents(join(ROOT, GENERATED))).toEqual(generated)
})
