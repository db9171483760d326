import { afterAll, expect, test } from 'bun:test'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { confine } from '../../../src/worker/executors/shell/limits.ts'

/** Files like those of a cgroup, as far as they are written. */
const base = mkdtempSync(join(tmpdir(), 'taskmaster-cgroup-'))
afterAll(() => {
  chmodSync(base, 0o700)
  rmSync(base, { recursive: true, force: true })
})
const read = (...path: string[]) => readFileSync(join(base, ...path), 'utf8')

test('limits are written in the units of the kernel, those that are not asked for are not', () => {
  const { path, remove } = confine(base, 'one', { memoryMb: 64, cpus: 0.5 })
  expect(path).toBe(join(base, 'one'))
  expect(read('cgroup.subtree_control')).toBe('+memory +cpu')
  expect(read('one', 'memory.max')).toBe('67108864')
  expect(read('one', 'memory.swap.max')).toBe('0')
  expect(read('one', 'cpu.max')).toBe('50000 100000')
  remove()
  expect(read('one', 'cgroup.kill')).toBe('1')
  confine(base, 'two', { memoryMb: null, cpus: 2 })
  expect(readdirSync(join(base, 'two'))).toEqual(['cpu.max'])
})

test('where none can be made, that is an error and nothing is left behind', () => {
  expect(() => confine(join(base, 'nowhere'), 'one', { memoryMb: 1, cpus: null })).toThrow('ENOENT')
})
