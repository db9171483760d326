import { expect, test } from 'bun:test'
import { formatLogLine, isAtLeast, parseLogLine } from '../../../src/cli/up/log-line.ts'

test('a JSON line becomes time, name, level, message and what else it says', () => {
  const line = parseLogLine(
    '{"level":"warn","time":"2026-01-02T03:04:05.678Z","service":"worker","pid":1,"reason":"reset","tries":2,"msg":"Lost"}',
  )
  expect(formatLogLine('worker-1', line)).toBe('03:04:05 worker-1    WARN  Lost reason=reset tries=2')
})

test('an error is shown by its message', () => {
  const line = parseLogLine(
    '{"level":"error","err":{"type":"Error","message":"no","stack":"…"},"msg":"Failed"}',
  )
  expect(formatLogLine('scheduler', line)).toBe('scheduler   ERROR Failed: no')
})

test.each(['a stack', '{"half":', '"text"', 'null', '{"msg":"no level"}'])('%s is shown as it is', (text) => {
  const line = parseLogLine(text)
  expect(formatLogLine('worker-1', line)).toBe(`worker-1    ${text}`)
  expect(isAtLeast(line, 'warn')).toBeTrue()
})

test('levels have an order', () => {
  const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']
  const shown = levels.filter((level) => isAtLeast({ level, msg: '' }, 'warn'))
  expect(shown).toEqual(['warn', 'error', 'fatal'])
})
