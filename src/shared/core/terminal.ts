/** Colours and the like, which carry nothing that could be lost. Their beginning is in no JSON. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
const COLOURS = /\u001b\[[\d;:]*m/g
/**
 * What a terminal carries out instead of showing it: control characters of both sets (C0 and C1, which begin escape
 * sequences), and those that change the direction of text or end a line. Line feeds and tabs are not among them.
 */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

/**
 * Makes a text of any number of lines safe to print. What a terminal would carry out is written as JSON writes it
 * (`\u001b`), so that JSON stays the same JSON; colours are left out.
 */
export function terminalText(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(COLOURS, '')
    .replace(UNSAFE, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The same for a text that is to stay on one line, whatever is in it. */
export function terminalLine(text: string): string {
  return terminalText(text).replaceAll('\n', '\\n')
}
