import { expect, test } from 'bun:test'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SCRIPT = join(import.meta.dir, '..', '..', 'examples', 'task_example.sh')
const RUNS = 100

test('task_example.sh works for 1 to 5 s and fails about one time in five', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'taskmaster-example-'))
  // A sleep that only says for how long it would.
  await Bun.write(join(folder, 'sleep'), '#!/bin/sh\necho "slept $1"\n')
  await chmod(join(folder, 'sleep'), 0o755)
  let failures = 0
  const seconds = new Set<string>()
  for (let index = 0; index < RUNS; index++) {
    const result = join(folder, `result-${index}`)
    const child = Bun.spawnSync([SCRIPT], {
      env: { PATH: `${folder}:${process.env.PATH}`, TASKMASTER_TASK_ID: 'x', TASKMASTER_RESULT: result },
    })
    const slept = /slept (\d)/.exec(child.stdout.toString())![1]!
    seconds.add(slept)
    if (child.exitCode === 0) expect(await Bun.file(result).json()).toEqual({ seconds: Number(slept) })
    else failures++
  }
  await rm(folder, { recursive: true })
  expect([...seconds].sort()).toEqual(['1', '2', '3', '4', '5'])
  // 20 are expected; to be this far off would take five standard deviations.
  expect(failures).toBeWithin(1, 41)
})
