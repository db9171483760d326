/** Objects, arrays and fields that a body may have; each takes many times its bytes once it is read. */
export const MOST_VALUES = 1_500_000

/** A body up to this size cannot have too many. */
const SMALL = 1024 * 1024

const QUOTE = '"'.charCodeAt(0)
const BACKSLASH = '\\'.charCodeAt(0)
const COUNTED = new Uint8Array(256)
for (const sign of '{[:') COUNTED[sign.charCodeAt(0)] = 1

/** Tells from the bytes of a JSON text, before it is read, whether it has more objects, arrays and fields than that. */
export function hasTooManyValues(json: Uint8Array, most = MOST_VALUES, small = SMALL): boolean {
  if (json.byteLength <= small) return false
  let isInText = false
  let count = 0
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]!
    if (isInText) {
      if (byte === BACKSLASH) at++
      else if (byte === QUOTE) isInText = false
    } else if (byte === QUOTE) isInText = true
    else count += COUNTED[byte]!
  }
  return count > most
}
