import { expect, test } from 'bun:test'
import { join } from 'node:path'

const FIXTURE = join(import.meta.dir, 'hidden-environment.ts')

test('a process that hid its environment still has it, in its threads and for what it starts', () => {
  const child = Bun.spawnSync([process.execPath, FIXTURE], {
    env: { PATH: process.env.PATH, SECRET: 'kept', TZ: 'Asia/Tokyo' },
  })
  expect(child.stderr.toString()).toBe('')
  expect(JSON.parse(child.stdout.toString())).toEqual({
    hidden: true,
    shown: '',
    own: 'kept',
    thread: 'kept',
    child: 'kept\n',
    hour: 9,
  })
})
