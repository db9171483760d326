import { writeSync } from 'node:fs'
import type { Command } from 'commander'
import { printErrorLine } from './command.ts'

/** 128 + SIGPIPE: what a shell says of a program that ended because nobody read on. */
const BROKEN_PIPE = 141

const REASONS: Record<string, string> = {
  ENOSPC: 'no space left on device',
  EDQUOT: 'disk quota exceeded',
  EIO: 'input/output error',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'no such folder',
  EISDIR: 'it is a folder',
}

/** Whether a system call failed, and not something of ours. */
export const isWriteError = (error: unknown): error is NodeJS.ErrnoException =>
  typeof (error as NodeJS.ErrnoException).code === 'string' &&
  /^E[A-Z]+$/.test((error as NodeJS.ErrnoException).code ?? '')

export function reasonOf({ code = '', message }: NodeJS.ErrnoException): string {
  return REASONS[code] ?? message
}

/**
 * Ends the process when its output cannot be written: quietly when its reader has had enough (`| head -1`), with one
 * line and exit code 1 otherwise.
 */
export function endOnWriteErrors(program: Command): void {
  process.stdout.on('error', end)
  process.stderr.on('error', () => {})
  writeHelpAtOnce(program)
}

function end(error: NodeJS.ErrnoException): never {
  if (error.code === 'EPIPE') process.exit(BROKEN_PIPE)
  printErrorLine(`Error: the output cannot be written: ${reasonOf(error)}`)
  process.exit(1)
}

/** Commander ends the process right after the help, before a stream could tell of an error. */
function writeHelpAtOnce(command: Command): void {
  command.configureOutput({
    writeOut(text) {
      try {
        writeSync(1, text)
      } catch (error) {
        // A pipe that is full for a moment.
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') process.stdout.write(text)
        else end(error as NodeJS.ErrnoException)
      }
    },
  })
  for (const child of command.commands) writeHelpAtOnce(child)
}
