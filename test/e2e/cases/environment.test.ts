import { expect, test } from 'bun:test'
import { startSystem } from '../../support/system.ts'

const canary = `canary-${crypto.randomUUID()}`
const system = await startSystem({ env: { SECRET_TOKEN: canary } })
await system.startWorker('w1', { WORKER_EXECUTORS: 'shell' })

async function outputOf(command: string): Promise<string | null> {
  const id = await system.submit({ command, executor: 'shell' })
  const rows = await system.ended([id])
  expect(rows[0]?.state).toBe('completed')
  return (await system.get<{ output: string | null }>(`/tasks/${id}`)).output
}

test('a shell task finds nothing in the environment of the worker that started it', async () => {
  const output = await outputOf(`cat "/proc/$PPID/environ" | tr -d '\\0'; echo "end of $PPID"`)
  expect(output).toBe(`end of ${system.workers.get('w1')?.pid}\n`)
})

test('a shell task finds the secrets of no service in /proc', async () => {
  const pids = [system.coordinator, system.scheduler, ...system.workers.values()].map(({ pid }) => pid)
  const files = pids.flatMap((pid) => [`/proc/${pid}/environ`, `/proc/${pid}/task/*/environ`]).join(' ')
  expect(await outputOf(`ls ${files} | wc -l; cat ${files} | grep -c ${canary}; true`)).toMatch(
    /^\d\d+\n0\n$/,
  )
})
