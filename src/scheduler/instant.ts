const PATTERN =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:Z|([+-])(\d{2}):?(\d{2})?)$/i

/**
 * An instant written as ISO 8601 with `Z` or an offset, in the years 1970 to 9999; null for anything else.
 * Stricter than `new Date`, which takes words, local times and 30 February. Digits below a millisecond are cut.
 */
export function parseInstant(text: string): Date | null {
  const parts = PATTERN.exec(text)
  if (!parts) return null
  const [
    ,
    year,
    month,
    day,
    hour,
    minute,
    second = '0',
    fraction = '',
    sign,
    offsetHours = '0',
    offsetMinutes = '0',
  ] = parts
  const wall = new Date(0)
  wall.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  const isRealDay = wall.getUTCMonth() === Number(month) - 1 && wall.getUTCDate() === Number(day)
  const isRealTime = Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60
  const isRealOffset = Number(offsetHours) < 24 && Number(offsetMinutes) < 60
  if (!isRealDay || !isRealTime || !isRealOffset) return null
  wall.setUTCHours(Number(hour), Number(minute), Number(second), Number(fraction.padEnd(3, '0').slice(0, 3)))
  const offsetMs = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60_000 * (sign === '-' ? -1 : 1)
  const instant = new Date(wall.getTime() - offsetMs)
  const isSaneYear = instant.getTime() >= 0 && instant.getUTCFullYear() <= 9999
  return isSaneYear ? instant : null
}
