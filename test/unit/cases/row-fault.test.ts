import { expect, test } from 'bun:test'
import { isRowAtFault, TRIALS, type Trial } from '../../../src/shared/core/row-fault.ts'
import { harmless } from '../../../src/shared/harmless.ts'
import { mayBeOfOneRow } from '../../../src/shared/store/errors.ts'
import { readSqlstates } from '../../support/sqlstates.ts'

const error = (code: string) => Object.assign(new Error('x'), { name: 'PostgresError', code })
const trials = (count: number, trial: Partial<Trial> = {}): Trial[] =>
  Array.from({ length: count }, () => ({ mayBeOfOneRow: true, likeWasStored: true, ...trial }))

test('whatever its class, an error condemns no row while a like row cannot be stored either', async () => {
  for (const code of await readSqlstates()) {
    const trial = { mayBeOfOneRow: mayBeOfOneRow(error(code)), likeWasStored: false }
    expect(isRowAtFault(trials(100, trial))).toBe(false)
  }
})

test('an error of resources, connections or locks condemns no row, even while others are stored', async () => {
  for (const code of (await readSqlstates()).filter((one) => /^(08|28|3D|40|53|55|57|58)/.test(one))) {
    expect(isRowAtFault(trials(100, { mayBeOfOneRow: mayBeOfOneRow(error(code)) }))).toBe(false)
  }
})

test('a row is at fault when it alone fails, time after time', () => {
  expect(isRowAtFault([])).toBe(false)
  expect(isRowAtFault(trials(TRIALS - 1))).toBe(false)
  expect(isRowAtFault(trials(TRIALS))).toBe(true)
})

test('a single try in which the database was in trouble begins the count again', () => {
  const other = trials(1, { likeWasStored: false })
  expect(isRowAtFault([...trials(TRIALS - 1), ...other, ...trials(TRIALS - 1)])).toBe(false)
  expect(isRowAtFault([...trials(TRIALS - 1), ...other, ...trials(TRIALS)])).toBe(true)
})

test('a harmless text takes as much room as the one that it stands for, and cannot be compressed', () => {
  for (const text of ['', 'abc', 'ä😀\\u0001', 'x'.repeat(100_000)]) {
    const like = harmless(text)
    expect(Buffer.byteLength(like)).toBe(Buffer.byteLength(text))
    expect(like).toMatch(/^[A-Za-z0-9]*$/)
  }
  expect(Bun.gzipSync(harmless('x'.repeat(100_000))).byteLength).toBeGreaterThan(70_000)
})
