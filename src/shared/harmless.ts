const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/**
 * Makes a text that every database stores and that takes as much room as the given one: plain letters, as many as that
 * has bytes, at random so that they cannot be compressed.
 */
export function harmless(text: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(Buffer.byteLength(text)))
  let made = ''
  for (const byte of bytes) made += ALPHABET[byte % ALPHABET.length]
  return made
}

/** What a database said, without anything that it might not store in turn. */
export const asPlainAscii = (text: string, limit = 300): string =>
  text.replace(/[^\x20-\x7e]/g, '?').slice(0, limit)
