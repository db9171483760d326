import { AppError } from '../src/shared/core/error.ts'

const args = process.argv.slice(2)

export const hasFlag = (flag: string): boolean => args.includes(flag)

/** @throws when the flag is followed by something that is not a number above zero */
export function numberOf(flag: string, otherwise: number): number {
  const text = textOf(flag)
  if (text === null) return otherwise
  const value = Number(text)
  if (!(value > 0)) {
    const given = text ? `not ${text}` : 'such as 10'
    throw new AppError('invalid', `${flag} must be followed by a number above zero, ${given}`)
  }
  return value
}

/** What follows a flag; null without the flag. */
export function textOf(flag: string): string | null {
  const at = args.indexOf(flag)
  return at >= 0 ? (args[at + 1] ?? '') : null
}

/** Prints progress, unless only JSON is wanted. */
export const say = (what: string): void => {
  if (!hasFlag('--json')) console.log(what)
}

/** Prints a result: a table by what each row is about, then a line of JSON. */
export function print(rows: Record<string, object | string>, result: unknown): void {
  if (!hasFlag('--json')) console.table(rows)
  console.log(JSON.stringify(result))
}
