/** Every text that is cut is cut here: between characters, never within one. Sizes are in UTF-16 code units. */

const isHigh = (unit: number) => unit >= 0xd800 && unit <= 0xdbff
const isLow = (unit: number) => unit >= 0xdc00 && unit <= 0xdfff

/** Whether a character of two units lies across that place. */
const isWithin = (text: string, at: number) => isHigh(text.charCodeAt(at - 1)) && isLow(text.charCodeAt(at))

/** The beginning of a text, of at most `limit` units. */
export function headOf(text: string, limit: number): string {
  if (text.length <= limit) return text
  return text.slice(0, Math.max(0, isWithin(text, limit) ? limit - 1 : limit))
}

/** The end of a text, of at most `limit` units. */
export function tailOf(text: string, limit: number): string {
  if (text.length <= limit) return text
  const at = text.length - limit
  return text.slice(isWithin(text, at) ? at + 1 : at)
}

/** A text in parts of at most `limit` units, which must be 2 or more. */
export function partsOf(text: string, limit: number): string[] {
  const parts: string[] = []
  let rest = text
  while (rest.length > limit) {
    const part = headOf(rest, limit)
    parts.push(part)
    rest = rest.slice(part.length)
  }
  return [...parts, rest]
}

/** The beginning of a text for people to read, with an ellipsis where the rest is missing. */
export const shorten = (text: string, limit: number): string =>
  text.length <= limit ? text : `${headOf(text, limit - 1)}…`
