import { expect, test } from 'bun:test'
import { parseCron } from '../../../src/shared/core/schedule/cron.ts'

const FIELDS = [
  { name: 'second', min: 0, max: 59 },
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12 },
  { name: 'day of week', min: 0, max: 7 },
  { name: 'year', min: 1, max: 9999 },
]

/** What is said of a pattern of seven fields with that text in one of them. */
function faultOf(index: number, text: string): string {
  const fields = ['0', '0', '0', '1', '1', '*', '*']
  fields[index] = text
  return faultOfPattern(fields.join(' '))
}

function faultOfPattern(pattern: string): string {
  try {
    parseCron(pattern, 'UTC')
  } catch (error) {
    return (error as Error).message
  }
  return 'no fault'
}

test('a value out of range is told as it was given, with the range, in every field and place', () => {
  for (const [index, { name, min, max }] of FIELDS.entries()) {
    for (const value of [max + 1, max + 40, ...(min > 0 ? [min - 1] : [])]) {
      const range = `is out of range (${min}–${max}).`
      expect(faultOf(index, `${value}`)).toBe(`Invalid cron expression: ${name} ${value} ${range}`)
      expect(faultOf(index, `${min},${value}`)).toBe(`Invalid cron expression: ${name} ${value} ${range}`)
      if (value < min) continue
      const within = `${min}-${value}`
      expect(faultOf(index, within)).toBe(`Invalid cron expression: ${name} ${value} in ${within} ${range}`)
    }
  }
})

test('a step, a range and a list that cannot be are told as they were given, in every field', () => {
  for (const [index, { name, min, max }] of FIELDS.entries()) {
    const begin = `Invalid cron expression: ${name}`
    const most = name === 'day of week' ? 7 : max - min + 1
    expect(faultOf(index, '*/0')).toBe(`${begin} step 0 is out of range (1–${most}).`)
    if (name !== 'year')
      expect(faultOf(index, `*/${most + 1}`)).toBe(`${begin} step ${most + 1} is out of range (1–${most}).`)
    expect(faultOf(index, '*/')).toBe(`${begin} */ has a step that is not a number.`)
    expect(faultOf(index, '5/2')).toStartWith(`${begin} 5/2 steps from a single value; write */2`)
    expect(faultOf(index, `${min + 3}-${min + 1}`)).toBe(
      `${begin} ${min + 3}-${min + 1} begins after its end.`,
    )
    expect(faultOf(index, '1-2-3')).toBe(`${begin} 1-2-3 is not a range.`)
    expect(faultOf(index, '1-')).toBe(`${begin} 1- lacks a number.`)
    expect(faultOf(index, '1,')).toBe(`${begin} has an empty item in its list.`)
    expect(faultOf(index, '1.5')).toStartWith(`${begin} 1.5 is not a number`)
    expect(faultOf(index, 'FOO')).toStartWith(`${begin} FOO is not a number`)
    expect(faultOf(index, '1,FOO')).toStartWith(`${begin} FOO is not a number`)
    expect(faultOf(index, '1-FOO')).toStartWith(`${begin} FOO in 1-FOO is not a number`)
  }
})

test('what only days have is told as it was given', () => {
  const begin = 'Invalid cron expression: '
  expect(faultOfPattern('0 0 32 * *')).toBe(`${begin}day of month 32 is out of range (1–31).`)
  expect(faultOfPattern('0 0 32W * *')).toBe(`${begin}day of month 32 is out of range (1–31).`)
  expect(faultOfPattern('0 0 W * *')).toBe(`${begin}day of month W is not a number.`)
  expect(faultOfPattern('0 0 L-3 * *')).toBe(`${begin}day of month L in L-3 is not a number.`)
  expect(faultOfPattern('0 0 1,LW * *')).toBe(`${begin}day of month LW cannot stand in a list.`)
  expect(faultOfPattern('0 0 * * MON#6')).toBe(
    `${begin}day of week MON#6 must have a number from 1 to 5, or L, after #.`,
  )
  expect(faultOfPattern('0 0 * * 8#1')).toBe(`${begin}day of week 8 is out of range (0–7).`)
  expect(faultOfPattern('0 0 * * 9L')).toBe(`${begin}day of week 9 is out of range (0–7).`)
  expect(faultOfPattern('0 0 * * MON-FOO')).toBe(
    `${begin}day of week FOO in MON-FOO is not a number or one of SUN, MON, TUE, WED, THU, FRI, SAT.`,
  )
  expect(faultOfPattern('0 0 * L *')).toStartWith(`${begin}month L is not a number or one of JAN,`)
  expect(faultOfPattern('@soon')).toBe(`${begin}there is no @soon.`)
})

test('what is right is not told to be wrong', () => {
  const patterns = [
    '0 0 L * *',
    '0 0 LW * *',
    '0 0 15W * *',
    '0 0 * JAN-MAR FRI-SUN',
    '0 0 * * MON#L',
    '0 0 * * 5L',
  ]
  for (const pattern of [...patterns, '0 0 ? * +MON', '*/59 * * * *', '0 0 1-31/31 * 7', '@daily'])
    expect({ pattern, fault: faultOfPattern(pattern) }).toEqual({ pattern, fault: 'no fault' })
})
