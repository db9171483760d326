/** What is wrong with a cron pattern, in the words and numbers of its author. */

interface Field {
  name: string
  min: number
  max: number
  /** The names that stand for numbers, from `min` on. */
  names?: string[]
}

const MONTHS = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ')
const DAYS = 'SUN MON TUE WED THU FRI SAT'.split(' ')

const SECOND: Field = { name: 'second', min: 0, max: 59 }
const YEAR: Field = { name: 'year', min: 1, max: 9999 }
const DAY_OF_MONTH: Field = { name: 'day of month', min: 1, max: 31 }
const DAY_OF_WEEK: Field = { name: 'day of week', min: 0, max: 7, names: DAYS }
const FIELDS: Field[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  DAY_OF_MONTH,
  { name: 'month', min: 1, max: 12, names: MONTHS },
  DAY_OF_WEEK,
]

/**
 * Explains why a pattern was refused: `day of month 32 is out of range (1–31)`.
 *
 * @returns null when every field is one that could be read
 */
export function findCronFault(pattern: string): string | null {
  if (pattern.startsWith('@')) return `there is no ${pattern}`
  const texts = pattern.split(/\s+/)
  const fields = texts.length === 5 ? FIELDS : [SECOND, ...FIELDS, YEAR]
  for (const [index, text] of texts.entries()) {
    const fault = fields[index] && faultOfField(text, fields[index])
    if (fault) return fault
  }
  return null
}

function faultOfField(text: string, field: Field): string | null {
  const parts = (field === DAY_OF_WEEK ? text.replace(/^\+/, '') : text).split(',')
  for (const part of parts) {
    const fault = faultOfPart(part, field, parts.length === 1)
    if (fault) return fault
  }
  return null
}

/** One item of a list: `*`, a value, a range, a step of either, or what only days have. */
function faultOfPart(part: string, field: Field, isAlone: boolean): string | null {
  const { name, max, min } = field
  if (part === '') return `${name} has an empty item in its list`
  const [range = '', step, ...moreSteps] = part.split('/')
  if (step !== undefined) {
    const most = max - min + (field === DAY_OF_WEEK ? 0 : 1)
    if (moreSteps.length > 0 || !/^\d+$/.test(step)) return `${name} ${part} has a step that is not a number`
    if (Number(step) < 1 || Number(step) > most) return `${name} step ${step} is out of range (1–${most})`
    if (range !== '*' && range !== '?' && !range.includes('-')) {
      return `${name} ${part} steps from a single value; write */${step}, or a range such as ${min}-${max}/${step}`
    }
  }
  if (range === '*' || range === '?') return null
  if (field === DAY_OF_MONTH && step === undefined && /^(L|LW)$/i.test(range)) {
    return isAlone ? null : `${name} ${range} cannot stand in a list`
  }
  const ends = range.split('-')
  if (ends.length > 2) return `${name} ${range} is not a range`
  const isRange = ends.length === 2
  for (const end of ends) {
    const fault = faultOfValue(end, field, isRange ? range : null)
    if (fault) return fault
  }
  const [from, to] = ends.map((end) => numberOf(end, field))
  // A week may end with Sunday.
  if (to === 0 && field === DAY_OF_WEEK) return null
  if (isRange && (from as number) > (to as number)) return `${name} ${range} begins after its end`
  return null
}

function faultOfValue(text: string, field: Field, range: string | null): string | null {
  const { name, min, max, names } = field
  const within = range === null ? '' : ` in ${range}`
  let value = text
  if (field === DAY_OF_WEEK && range === null) {
    const [day = '', nth, ...more] = text.split('#')
    if (more.length > 0 || (nth !== undefined && !/^([1-5]|L)$/i.test(nth))) {
      return `${name} ${text} must have a number from 1 to 5, or L, after #`
    }
    value = nth === undefined && day.length > 1 ? day.replace(/L$/i, '') : day
  }
  if (field === DAY_OF_MONTH && range === null && value.length > 1) value = value.replace(/W$/i, '')
  if (value === '') return `${name} ${range ?? text} lacks a number`
  const number = numberOf(value, field)
  if (number === null) {
    const known = names ? ` or one of ${names.join(', ')}` : ''
    return `${name} ${value}${within} is not a number${known}`
  }
  return number < min || number > max ? `${name} ${value}${within} is out of range (${min}–${max})` : null
}

function numberOf(text: string, { names, min }: Field): number | null {
  if (/^\d+$/.test(text)) return Number(text)
  const index = names?.indexOf(text.toUpperCase()) ?? -1
  return index < 0 ? null : index + min
}
