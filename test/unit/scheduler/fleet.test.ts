import { expect, test } from 'bun:test'
import type { FleetReply, FleetRequest } from '../../../src/shared/fleet.ts'

const FIXTURE = `${import.meta.dir}/fixtures/asks-launcher.ts`

/** Starts a process that asks for 5 workers, for the end of w1 and for 9 workers; what it was answered. */
async function ask(deadlineMs: number, answer: (request: FleetRequest) => FleetReply | 'nothing' | 'leave') {
  const child = Bun.spawn([process.execPath, FIXTURE, String(deadlineMs)], {
    stdout: 'pipe',
    ipc(request: FleetRequest, self) {
      const reply = answer(request)
      if (reply === 'leave') self.disconnect()
      else if (reply !== 'nothing') self.send(reply)
    },
  })
  const lines = (await new Response(child.stdout).text()).trim().split('\n')
  expect(await child.exited).toBe(0)
  return lines
}

test('the launcher is asked, and its command or its refusal is the answer', async () => {
  const asked: FleetRequest['ask'][] = []
  const lines = await ask(10_000, ({ id, ask }) => {
    asked.push(ask)
    return 'scale' in ask
      ? { id, ok: true, command: `scale to ${ask.scale}` }
      : { id, ok: false, code: 'not_found', error: `no ${ask.kill} here` }
  })
  expect(asked).toEqual([{ scale: 5 }, { kill: 'w1' }, { scale: 9 }])
  expect(lines).toEqual(['scale to 5', 'not_found: no w1 here', 'scale to 9'])
})

test('a launcher that does not answer in time is unavailable, and a late answer is for nobody', async () => {
  const lines = await ask(30, ({ id, ask }) =>
    'kill' in ask ? { id: id - 1, ok: true, command: 'late' } : 'nothing',
  )
  expect(lines).toEqual(Array(3).fill('unavailable: the launcher did not answer within 0.03 s'))
})

test('a launcher that is gone is unavailable at once', async () => {
  const lines = await ask(10_000, () => 'leave')
  expect(lines).toEqual(Array(3).fill('unavailable: the launcher that starts workers is gone'))
})
