import { readFileSync } from 'node:fs'
import { isMainThread, Worker } from 'node:worker_threads'
import { hideEnvironment } from '../../../src/shared/environment.ts'

if (isMainThread) {
  const hidden = hideEnvironment()
  const shown = readFileSync('/proc/self/environ', 'utf8').replaceAll('\0', '')
  const thread = new Worker(import.meta.filename)
  const inThread = await new Promise((resolve) => thread.once('message', resolve))
  const child = Bun.spawnSync(['sh', '-c', 'echo "$SECRET"']).stdout.toString()
  const hour = new Date(0).getHours()
  console.log(JSON.stringify({ hidden, shown, own: process.env.SECRET, thread: inThread, child, hour }))
  process.exit(0)
} else {
  const { parentPort } = await import('node:worker_threads')
  parentPort?.postMessage(process.env.SECRET)
}
