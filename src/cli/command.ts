import { type Command, Option } from 'commander'
import { AppError } from '../shared/core/error.ts'
import { terminalLine, terminalText } from '../shared/core/terminal.ts'
import { type Api, createApi } from './api.ts'

export interface CommonOptions {
  json?: true
}

/** Gives a command `--json`, and turns what its action throws into one line and exit code 1. */
export function finishCommand<Given extends unknown[], Options extends CommonOptions>(
  command: Command,
  action: (options: Options, ...given: Given) => Promise<void>,
): Command {
  return command.option('--json', 'print JSON, for programs').action(async (...all: unknown[]) => {
    const options = all.at(-2) as Options
    try {
      await action(options, ...(all.slice(0, -2) as Given))
    } catch (error) {
      fail(error, options.json === true)
    }
  })
}

/** Like `finishCommand`, for a command that speaks to a scheduler: gives it `--server` too. */
export function finishRemoteCommand<Given extends unknown[], Options extends CommonOptions>(
  command: Command,
  action: (api: Api, options: Options, ...given: Given) => Promise<void>,
): Command {
  const server = new Option('--server <url>', 'the scheduler')
  command.addOption(server.default('http://localhost:8081').env('TASKMASTER_SERVER'))
  return finishCommand<Given, Options & { server: string }>(command, (options, ...given) =>
    action(createApi(options.server), options, ...given),
  )
}

/** Prints lines. What callers wrote may be among them: nothing that a terminal carries out is printed. */
export function print(text: string): void {
  process.stdout.write(`${terminalText(text)}\n`)
}

/** Prints one line, whatever is in the text. */
export function printLine(text: string): void {
  print(terminalLine(text))
}

/** The same on standard error. */
export function printErrorLine(text: string): void {
  process.stderr.write(`${terminalLine(text)}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, process.stdout.isTTY ? 2 : 0))
}

/** Characters in a line of the terminal; plenty when it is none. */
export function terminalWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns : 1000
}

/** Scripts look for it as an older command line said it. */
const SAID_ALONE = /^Invalid priority: /

function fail(error: unknown, asJson: boolean): void {
  const isOurs = error instanceof AppError
  if (asJson) {
    const code = isOurs ? error.code : 'internal'
    printErrorLine(JSON.stringify({ error: (error as Error).message, code }))
  } else if (isOurs) {
    printErrorLine(`${SAID_ALONE.test(error.message) ? '' : 'Error: '}${error.message}`)
  } else {
    process.stderr.write(`${terminalText(Bun.inspect(error))}\n`)
  }
  process.exitCode = 1
}
