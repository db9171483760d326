import { expect, test } from 'bun:test'
import { createTroubles, type TroubleChange } from '../../../../src/shared/runtime/troubles.ts'

const atTimes = (...times: number[]) => createTroubles(() => times.shift()!)

test('a trouble that is raised again keeps when it began and takes the new words and figures', () => {
  const troubles = atTimes(1000)
  troubles.raise('reports', { message: 'The disk is full.', code: '53100', waiting: 1 })
  troubles.raise('reports', { message: 'The disk is still full.', waiting: 7 })
  expect(troubles.list()).toEqual([
    { key: 'reports', message: 'The disk is still full.', waiting: 7, since: 1000 },
  ])
})

test('troubles are listed from the longest to the latest, and are gone once resolved', () => {
  const troubles = atTimes(2000, 1000, 3000)
  troubles.raise('claims', { message: 'Claims fail.' })
  troubles.raise('leases', { message: 'Leases cannot be renewed.' })
  expect(troubles.list().map(({ key }) => key)).toEqual(['leases', 'claims'])
  troubles.resolve('leases')
  troubles.resolve('never raised')
  expect(troubles.list().map(({ key }) => key)).toEqual(['claims'])
})

test('listeners hear of a beginning and of an end once each, until they leave', () => {
  const troubles = atTimes(1000, 2000)
  const heard: TroubleChange[] = []
  const leave = troubles.onChange((change) => heard.push(change))
  troubles.raise('claims', { message: 'Claims fail.' })
  troubles.raise('claims', { message: 'Claims still fail.' })
  troubles.resolve('claims')
  troubles.resolve('claims')
  leave()
  troubles.raise('claims', { message: 'Claims fail.' })
  expect(heard).toEqual([
    { type: 'began', trouble: { key: 'claims', message: 'Claims fail.', since: 1000 } },
    { type: 'ended', trouble: { key: 'claims', message: 'Claims still fail.', since: 1000 } },
  ])
})

test('listeners hear of another cause, and not of other words or figures', () => {
  const troubles = atTimes(1000)
  troubles.raise('reports', { message: 'No connection.', code: 'CONNECTION_CLOSED', waiting: 1 })
  const heard: TroubleChange[] = []
  troubles.onChange((change) => heard.push(change))
  troubles.raise('reports', { message: 'Nothing yet.', code: 'CONNECTION_CLOSED', waiting: 2 })
  const denied = { message: 'No login.', code: '28000', waiting: 2 }
  troubles.raise('reports', denied)
  expect(heard).toEqual([{ type: 'changed', trouble: { key: 'reports', ...denied, since: 1000 } }])
})

test('it is bounded in number and in length', () => {
  const troubles = createTroubles()
  for (let key = 0; key < 1000; key++) troubles.raise(`key ${key}`, { message: 'x'.repeat(10_000) })
  expect(troubles.list()).toHaveLength(64)
  expect(troubles.list()[0]!.message).toHaveLength(500)
})
