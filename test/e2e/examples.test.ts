import { afterAll, expect, test } from 'bun:test'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { databaseUrl, findPython, hasPsql } from '../support/programs.ts'
import { startSystem } from '../support/system.ts'
import { isAsWritten, readWalkthrough, runInShell } from '../support/walkthrough.ts'

const ROOT = join(import.meta.dir, '..', '..')
const system = await startSystem()
const env = { TASKMASTER_SERVER: `http://127.0.0.1:${system.scheduler.port}` }

/** Does what a README says, in order, on workers that are started as it says. */
async function walk(readme: string, rename: (command: string) => string = (command) => command) {
  const { env: settings, steps } = await readWalkthrough(readme)
  expect(steps.length).toBeGreaterThan(0)
  const worker = await system.startWorker(readme.replace(/\W+/g, '-'), settings)
  for (const { command, prints } of steps) {
    const printed = await runInShell(rename(command), env)
    const wrong = prints.filter((line, index) => !isAsWritten(printed.lines[index] ?? '', rename(line)))
    expect({ command, code: printed.code, wrong, printed: wrong.length > 0 ? printed.lines : [] }).toEqual({
      ...{ command, code: 0, wrong: [], printed: [] },
    })
    expect(printed.lines).toHaveLength(prints.length)
  }
  await worker.stop()
}

const servers: Bun.Subprocess[] = []
afterAll(() => {
  for (const server of servers) server.kill('SIGKILL')
})

test('the script does what its README says', () => walk('examples/shell-script/README.md'), 60_000)

test('the HTTP job does what its README says', async () => {
  const server = Bun.spawn([process.execPath, 'examples/http-job/server.ts'], {
    cwd: ROOT,
    env: { PORT: '0' },
    stdout: 'pipe',
  })
  servers.push(server)
  const said = await server.stdout.getReader().read()
  const [port] = /\d+(?=\/orders)/.exec(new TextDecoder().decode(said.value)) ?? []
  await walk('examples/http-job/README.md', (text) => text.replaceAll(':9090', `:${port}`))
}, 60_000)

test('the typed handler does what its README says', () => walk('examples/typed-handler/README.md'), 60_000)

test('the workflow does what its README says', () => walk('examples/workflow/README.md'), 60_000)

const [home] = await system.sql<{ schema: string }[]>`SELECT current_schema() AS schema`

test.skipIf(!hasPsql)(
  'tasks are submitted in SQL as the README says',
  async () => {
    // As they are for a schema of that name.
    const folder = await mkdtemp(join(tmpdir(), 'taskmaster-example-'))
    await cp(join(ROOT, 'examples/sql-submit'), folder, { recursive: true })
    for (const name of ['schema.sql', 'order.sql', 'undone.sql']) {
      const file = Bun.file(join(folder, name))
      await Bun.write(file, inHome(await file.text()))
    }
    try {
      await walk('examples/sql-submit/README.md', (text) =>
        inHome(text)
          .replaceAll('examples/sql-submit', folder)
          .replaceAll('$(cat .taskmaster/database-url)', databaseUrl(system.settings)),
      )
    } finally {
      await system.sql.unsafe('DROP OWNED BY shop').catch(() => {})
      await system.sql.unsafe('DROP ROLE IF EXISTS shop; DROP TABLE IF EXISTS public.orders')
      await rm(folder, { recursive: true })
    }
  },
  60_000,
)

const python = await findPython('psycopg')

test.skipIf(python === null)(
  'tasks are submitted from Python as the README says',
  () =>
    walk('examples/python-submit/README.md', (text) =>
      text
        .replaceAll('$(cat .taskmaster/database-url)', databaseUrl(system.settings))
        .replaceAll(' python3 ', ` DB_SCHEMA=${home!.schema} ${python} `),
    ),
  60_000,
)

const inHome = (text: string) => text.replaceAll(/\btaskmaster\.(?=submit|allow_submit)/g, `${home!.schema}.`)
