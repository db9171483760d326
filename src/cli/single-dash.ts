/** The flags that scripts written for an older command line give with one dash: `-cmd=hello -priority HIGH`. */
const FLAGS = /^-(cmd|priority|name|desc|server)(?==|$)/
/** What follows one of these is its value, whatever it looks like. */
const TAKES_VALUE = /^--?(?!json$|wait$)[a-z][a-z-]+$/

/** Arguments as this command line takes them; what is no such flag, or comes after `--`, stays as it is. */
export function withTwoDashes(args: string[]): string[] {
  const read: string[] = []
  let isValue = false
  for (const [index, arg] of args.entries()) {
    if (arg === '--' && !isValue) return [...read, ...args.slice(index)]
    read.push(isValue ? arg : arg.replace(FLAGS, '--$1'))
    isValue = !isValue && TAKES_VALUE.test(arg)
  }
  return read
}
