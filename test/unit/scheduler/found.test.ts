import { expect, test } from 'bun:test'
import pino from 'pino'
import { createFoundFleet } from '../../../src/scheduler/fleet/found.ts'
import { AppError } from '../../../src/shared/core/error.ts'

const log = pino({ level: 'silent' })

/** An engine that is not there at first. */
function place() {
  const at = { isThere: false, found: 0, scaled: [] as number[] }
  const gone = () => new AppError('unavailable', 'no engine answers')
  const fleet = createFoundFleet(async () => {
    if (!at.isThere) throw gone()
    at.found++
    return {
      isScalable: true,
      scale: async (count) => `scale ${at.scaled.push(count)}`,
      kill: async () => 'kill',
      hostnameOf: async (container) => {
        if (!at.isThere) throw gone()
        return container === 'w1' ? 'host-1' : null
      },
    }
  }, log)
  return { at, fleet }
}

test('a fleet that is not there says so to whoever asks, and is found when it comes', async () => {
  const { at, fleet } = place()
  await fleet.look?.()
  expect(fleet.isScalable).toBeFalse()
  expect(await fleet.scale(3).catch(({ code, message }) => `${code}: ${message}`)).toBe(
    'unavailable: no engine answers',
  )
  at.isThere = true
  await fleet.look?.()
  expect(fleet.isScalable).toBeTrue()
  await fleet.scale(3)
  expect(await fleet.hostnameOf?.('w1')).toBe('host-1')
  expect(at).toEqual({ isThere: true, found: 1, scaled: [3] })
})

test('whoever asks does not wait for the next look', async () => {
  const { at, fleet } = place()
  at.isThere = true
  await fleet.scale(2)
  expect(at.scaled).toEqual([2])
})

test('a fleet that goes is not scalable until it is back', async () => {
  const { at, fleet } = place()
  at.isThere = true
  await fleet.look?.()
  at.isThere = false
  await fleet.look?.()
  expect(fleet.isScalable).toBeFalse()
  at.isThere = true
  await fleet.look?.()
  expect(fleet.isScalable).toBeTrue()
})
