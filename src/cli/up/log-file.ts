import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { terminalLine } from '../../shared/core/terminal.ts'

const MAX_BYTES = 10_000_000

export interface LogFiles {
  /** Appends a line to `<folder>/<name>.log`. */
  write(name: string, line: string): void
}

/** Files of lines that keep the latest 10 to 20 MB each: one that is full becomes `<name>.log.1`. */
export function openLogFiles(folder: string, maxBytes = MAX_BYTES): LogFiles {
  const files = new Map<string, { descriptor: number; size: number }>()

  function open(path: string) {
    const descriptor = openSync(path, 'a')
    return { descriptor, size: fstatSync(descriptor).size }
  }

  return {
    write(name, line) {
      const path = join(folder, `${name}.log`)
      let file = files.get(name) ?? open(path)
      if (file.size > maxBytes) {
        closeSync(file.descriptor)
        renameSync(path, `${path}.1`)
        file = open(path)
      }
      // They are read in terminals.
      file.size += writeSync(file.descriptor, `${terminalLine(line)}\n`)
      files.set(name, file)
    },
  }
}
