import { beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { hasBrowser, openPage } from '../support/browser.ts'
import { type System, startSystem } from '../support/system.ts'
import { temporaryFolder } from '../support/up.ts'

const ENTRY = join(import.meta.dir, '..', '..', 'src', 'client', 'main.ts')
const node = Bun.which('node')
if (!node) console.log('Node is missing, so the client is not tested in it.')

/** What every runtime does with the client; the last expression is what it saw. */
const SCRIPT = `
  const client = createClient({ url })
  const task = (ms) => ({ command: 'nap', payload: { duration_ms: ms } })
  const seen = []
  const handle = await client.submit(task(200))
  for await (const { type } of handle.updates()) seen.push(type)
  await Promise.all((await client.submitMany([task(1), task(2)])).map((each) => each.result()))
  const later = await client.submit({ ...task(1), delayMs: 3600000 })
  for await (const { state } of later.updates()) { seen.push(state); break }
  await later.cancel()
  seen.push(await later.result().catch((error) => error.name))
`
const SEEN = ['started', 'completed', 'pending', 'TaskCancelled']

let system: System
let url: string

beforeAll(async () => {
  system = await startSystem({ workers: ['w1'] })
  url = `http://127.0.0.1:${system.scheduler.port}`
}, 60_000)

async function bundle(format: 'esm' | 'iife', entry = ENTRY): Promise<string> {
  const { outputs } = await Bun.build({ entrypoints: [entry], target: 'browser', format, minify: true })
  return await outputs[0]!.text()
}

/** Runs a program that is not told to exit; what it printed, once it has ended by itself. */
async function runToItsEnd(command: string[]): Promise<string[]> {
  const child = Bun.spawn(command, { stdout: 'pipe', stderr: 'inherit', timeout: 20_000 })
  const text = await new Response(child.stdout).text()
  expect(await child.exited).toBe(0)
  return JSON.parse(text)
}

test.skipIf(!node)(
  'in Node it does the same, and lets the process end',
  async () => {
    const folder = await temporaryFolder()
    await Bun.write(join(folder, 'client.mjs'), await bundle('esm'))
    const script = `import { createClient } from './client.mjs'\nconst url = '${url}'\n${SCRIPT}\nconsole.log(JSON.stringify(seen))`
    await Bun.write(join(folder, 'script.mjs'), script)
    expect(await runToItsEnd([node!, join(folder, 'script.mjs')])).toEqual(expect.arrayContaining(SEEN))
  },
  60_000,
)

test('in Bun it lets the process end too', async () => {
  const script = `import { createClient } from ${JSON.stringify(ENTRY)}\nconst url = '${url}'\n${SCRIPT}\nconsole.log(JSON.stringify(seen))`
  const path = join(await temporaryFolder(), 'script.ts')
  await Bun.write(path, script)
  expect(await runToItsEnd([process.execPath, path])).toEqual(expect.arrayContaining(SEEN))
}, 60_000)

test.skipIf(!hasBrowser)(
  'in a browser it does the same, within 30 KiB',
  async () => {
    const entry = join(await temporaryFolder(), 'entry.ts')
    await Bun.write(
      entry,
      `import { createClient } from ${JSON.stringify(ENTRY)}\nglobalThis.createClient = createClient`,
    )
    const code = await bundle('iife', entry)
    expect(Bun.gzipSync(code).byteLength).toBeLessThan(30 * 1024)
    const { page, faults, close } = await openPage()
    await page.goto(`${url}/healthz`)
    await page.evaluate(code)
    const seen = await page.evaluate(
      `(async () => { const url = location.origin; ${SCRIPT}; return seen })()`,
    )
    expect(seen).toEqual(expect.arrayContaining(SEEN))
    // The browser itself asks for an icon, which a scheduler without a built dashboard has not.
    expect(faults.filter((fault) => !fault.includes('404'))).toEqual([])
    await close()
  },
  60_000,
)
