import { heapStats } from 'bun:jsc'
import { renameSync, writeFileSync } from 'node:fs'

// Runs in a service before its program (--preload): at each SIGUSR2 it writes how large the heap of its main thread is.
const folder = process.env.HEAP_FOLDER
if (folder && Bun.isMainThread) {
  process.on('SIGUSR2', () => {
    const { heapSize, heapCapacity } = heapStats()
    const file = `${folder}/${process.pid}.json`
    writeFileSync(`${file}.part`, JSON.stringify({ used: heapSize, reserved: heapCapacity }))
    renameSync(`${file}.part`, file)
  })
}
