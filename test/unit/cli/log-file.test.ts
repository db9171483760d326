import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLogFiles } from '../../../src/cli/up/log-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'taskmaster-logs-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('a full file gives way to a new one, and the oldest lines go', () => {
  const files = openLogFiles(folder, 1000)
  for (let number = 0; number < 1000; number++) files.write('worker-1', `line ${number}`)
  const [now, before] = ['worker-1.log', 'worker-1.log.1'].map((name) => join(folder, name)) as [
    string,
    string,
  ]
  expect(readFileSync(now, 'utf8')).toEndWith('line 999\n')
  expect(readFileSync(before, 'utf8')).not.toContain('line 0\n')
  expect(statSync(now).size + statSync(before).size).toBeLessThan(2100)
})

test('a file that is there already is continued', () => {
  openLogFiles(folder).write('scheduler', 'one')
  openLogFiles(folder).write('scheduler', 'two')
  expect(readFileSync(join(folder, 'scheduler.log'), 'utf8')).toBe('one\ntwo\n')
})
