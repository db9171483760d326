import { beforeAll, describe, expect, test } from 'bun:test'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { createProgram } from '../../../src/cli/program.ts'
import { createTestDatabase, databaseEnv } from '../../support/database.ts'
import { startService } from '../../support/processes.ts'
import { waitFor } from '../../support/wait.ts'

/** Clears the screen, sets the title, comes in both sets of controls, turns text round and forges a line. */
const HOSTILE =
  'a\u001b[2J\u001b]0;owned\u0007\u009b5m\u009dx\u202eabc\u2066\r\nStatus: forged\u2028\u0085z\u007f'
/** All that a terminal acts on, but for the end of a line and tabs. */
const ACTED_ON =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/
const ROOT = join(import.meta.dir, '..', '..', '..')

let url = ''
const ids = { waiting: '', ended: '', schedule: '', workflow: '' }

beforeAll(async () => {
  const { sql, settings } = await createTestDatabase()
  const scheduler = await startService('scheduler', databaseEnv(settings))
  url = `http://127.0.0.1:${scheduler.port}`
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(await response.text())
    return (await response.json()) as Record<string, string>
  }
  const texts = { command: HOSTILE, name: HOSTILE, description: HOSTILE }
  ids.waiting = (await post('/tasks', { ...texts, delay_seconds: 86_400 })).task_id!
  ids.ended = (await post('/tasks', { command: HOSTILE, idempotency_key: 'ended' })).task_id!
  ids.schedule = (await post('/api/schedules', { name: 'plain', every_ms: 3_600_000, task: texts }))
    .schedule_id!
  const workflow = { name: 'plain', tasks: [{ key: 'k', ...texts }] }
  ids.workflow = (await post('/api/workflows', workflow)).workflow_id!
  // What no check of ours lets in may be there all the same: from an older version, or another writer.
  await sql`INSERT INTO workers (id, name, address, link, slots, labels, executors, coordinator_id, session)
    VALUES (7, ${HOSTILE}, ${HOSTILE}, 'stream', 5, ${[HOSTILE]}, ${[HOSTILE]}, gen_random_uuid(), gen_random_uuid())`
  await sql`UPDATE tasks SET due_at = due_at - interval '1 h' WHERE id = ${ids.ended}`
  await sql`UPDATE tasks SET picked_at = now(), worker_id = 7, attempt = 1, slot = 0, started_at = now() WHERE id = ${ids.ended}`
  await sql`UPDATE tasks SET failed_at = now(), failures = 1, error = ${HOSTILE}, error_stack = ${HOSTILE}, output = ${HOSTILE.replace('\r\n', ' ')},
    result = ${JSON.stringify({ [HOSTILE]: HOSTILE })}::text::jsonb WHERE id = ${ids.ended}`
  await sql`INSERT INTO attempts (task_id, attempt, worker_id, picked_at, ended_at, outcome, error)
    VALUES (${ids.ended}, 0, 7, now(), now(), 'failed', ${HOSTILE}), (${ids.ended}, -1, 7, now(), now(), 'failed', ${HOSTILE})`
  await sql`INSERT INTO task_logs (task_id, attempt, seq, at, stream, text)
    VALUES (${ids.ended}, 1, 1, now(), 'stdout', ${HOSTILE}), (${ids.ended}, 1, 2, now(), 'stderr', ${HOSTILE})`
  await sql`INSERT INTO queues (name, paused_at, paused_by) VALUES (${HOSTILE}, now(), ${HOSTILE}), ('mail', now(), ${HOSTILE})`
  await sql`UPDATE schedules SET name = ${HOSTILE} WHERE id = ${ids.schedule}`
  await sql`INSERT INTO schedule_ticks (schedule_id, tick_at, outcome, reason, lag_ms) VALUES (${ids.schedule}, now(), 'skipped', ${HOSTILE}, 1)`
  await sql`UPDATE workflows SET name = ${HOSTILE} WHERE id = ${ids.workflow}`
  await sql`UPDATE tasks SET workflow_key = ${HOSTILE} WHERE workflow_id = ${ids.workflow}`
}, 60_000)

/** One run of each command that speaks to a scheduler, in an order in which each finds what it needs. */
const RUNS: [command: string, args: () => string[]][] = [
  ['submit', () => ['submit', '--cmd', HOSTILE, '--idempotency-key', 'ended', '--wait']],
  ['status', () => ['status', ids.ended]],
  ['status', () => ['status', ids.waiting]],
  ['status', () => ['status', HOSTILE]],
  ['why', () => ['why', ids.waiting]],
  ['why', () => ['why', ids.ended]],
  ['tasks', () => ['tasks']],
  ['dead-letters', () => ['dead-letters']],
  ['workers', () => ['workers']],
  ['stats', () => ['stats']],
  ['scale', () => ['scale', '3']],
  ['kill', () => ['kill', HOSTILE]],
  ['logs', () => ['logs']],
  ['logs', () => ['logs', ids.ended]],
  ['logs', () => ['logs', ids.ended, '--follow']],
  ['audit', () => ['audit']],
  ['queues list', () => ['queues']],
  ['queues show', () => ['queues', 'show', 'mail']],
  ['queues limit', () => ['queues', 'limit', 'mail', '--concurrency', '5']],
  ['queues resume', () => ['queues', 'resume', 'mail', HOSTILE]],
  ['queues pause', () => ['queues', 'pause', 'mail', '--by', HOSTILE]],
  ['schedules list', () => ['schedules']],
  ['schedules show', () => ['schedules', 'show', HOSTILE]],
  ['schedules create', () => ['schedules', 'create', 'other', '--every', '1h', '--cmd', HOSTILE]],
  ['schedules edit', () => ['schedules', 'edit', ids.schedule, '--every', '2h']],
  ['schedules ticks', () => ['schedules', 'ticks', ids.schedule]],
  ['schedules preview', () => ['schedules', 'preview', '--every', '1h', '--zone', HOSTILE]],
  ['schedules pause', () => ['schedules', 'pause', HOSTILE]],
  ['schedules resume', () => ['schedules', 'resume', HOSTILE]],
  ['schedules run-now', () => ['schedules', 'run-now', HOSTILE]],
  ['schedules backfill', () => ['schedules', 'backfill', HOSTILE, '--from', HOSTILE, '--to', HOSTILE]],
  ['schedules delete', () => ['schedules', 'delete', HOSTILE]],
  ['workflow list', () => ['workflow', 'list']],
  ['workflow show', () => ['workflow', 'show', ids.workflow]],
  ['workflow submit', () => ['workflow', 'submit', HOSTILE]],
  ['workflow retry', () => ['workflow', 'retry', ids.workflow]],
  ['health', () => ['health']],
  ['workflow cancel', () => ['workflow', 'cancel', ids.workflow]],
  ['run-now', () => ['run-now', ids.waiting, HOSTILE]],
  ['cancel', () => ['cancel', ids.waiting, HOSTILE]],
  ['retry', () => ['retry', '--state', HOSTILE]],
  ['discard', () => ['discard', HOSTILE, ids.waiting]],
]
/** They speak to no scheduler, and print no text of a caller. */
const OTHERS = ['up', 'migrate', 'chaos', 'export']

function spawn(args: string[], stdout: 'pipe' | number = 'pipe') {
  const env = { PATH: process.env.PATH ?? '', TASKMASTER_SERVER: url }
  return Bun.spawn([process.execPath, join(ROOT, 'src/cli/main.ts'), ...args], {
    env,
    stdout,
    stderr: 'pipe',
  })
}

async function run(args: string[]) {
  const child = spawn(args)
  const [out, err, code] = await Promise.all([
    new Response(child.stdout as ReadableStream).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { out, err, code }
}

test('every command of the command line is tried here', () => {
  const leaves = (command: Command, path: string[]): string[] =>
    command.commands.length === 0
      ? [path.join(' ')]
      : command.commands.flatMap((child) => leaves(child, [...path, child.name()]))
  const tried = new Set([...RUNS.map(([command]) => command), ...OTHERS])
  expect([...tried].sort()).toEqual(leaves(createProgram({}), []).sort())
})

test.each(RUNS)('%s prints nothing that a terminal acts on, as text and as JSON', async (_, args) => {
  const given = args().map((arg) => arg.replaceAll('\u0000', ''))
  const [text, json] = await Promise.all([run(given), run([...given, '--json'])])
  for (const said of [text.out, text.err]) {
    expect(said).not.toMatch(ACTED_ON)
    expect(said).not.toMatch(/^Status: forged/m)
    expect(said).not.toContain('    at ')
  }
  expect(text.out + text.err).not.toBe('')
  for (const said of [json.out, json.err]) expect(said).not.toMatch(ACTED_ON)
  for (const line of (json.out + json.err).split('\n').filter(Boolean)) JSON.parse(line)
})

test('a hostile text is shown with what is in it, and is the same text in JSON', async () => {
  const { out } = await run(['status', ids.ended])
  expect(out).toContain('Command:    a\\u001b[2J\\u001b]0;owned\\u0007\\u009b5m\\u009dx\\u202eabc\\u2066\n')
  const { out: json } = await run(['status', ids.ended, '--json'])
  expect(JSON.parse(json)).toMatchObject({ command: HOSTILE, error: HOSTILE, result: { [HOSTILE]: HOSTILE } })
})

describe('an output that cannot be written', () => {
  const commands = [['tasks'], ['export'], ['status', 'ended'], ['logs', '--json'], ['--help']].map(
    (args) => ({
      name: args.join(' '),
      args: () => args.map((arg) => (arg === 'ended' ? ids.ended : arg)),
    }),
  )

  test.each(commands)('ends $name with one line when the disk is full', async ({ args }) => {
    const child = spawn(args(), openSync('/dev/full', 'w'))
    const [err, code] = await Promise.all([new Response(child.stderr).text(), child.exited])
    // There is no coordinator here, which some commands say beside their answer.
    expect({ err: err.replace(/^Warning: .*\n/, ''), code }).toEqual({
      err: 'Error: the output cannot be written: no space left on device\n',
      code: 1,
    })
  })

  test.each(commands)(
    'ends $name quietly when nobody reads it, as a broken pipe ends any program',
    async ({ args }) => {
      const words = [process.execPath, join(ROOT, 'src/cli/main.ts'), ...args()]
      const script = `{ sleep 0.1; "$@"; echo $? >&2; } | true; sleep 0.1`
      const child = Bun.spawn(['sh', '-c', script, 'sh', ...words], {
        env: { PATH: process.env.PATH ?? '', TASKMASTER_SERVER: url },
        stdout: 'pipe',
        stderr: 'pipe',
      })
      const err = await new Response(child.stderr).text()
      expect(err.replace(/^Warning: .*\n/, '')).toBe('141\n')
    },
  )

  test('of export --output is told in one line, too', async () => {
    expect(await run(['export', '--output', '/dev/full'])).toEqual({
      ...{ out: '', code: 1 },
      err: 'Error: /dev/full cannot be written: no space left on device\n',
    })
    expect((await run(['export', '--output', '/nowhere/tasks.ndjson'])).err).toBe(
      'Error: /nowhere/tasks.ndjson cannot be written: no such folder\n',
    )
  })

  test('is none when only the first line is wanted of many', async () => {
    const words = [process.execPath, join(ROOT, 'src/cli/main.ts')]
    const script = `"$@" export | head -n 1 | wc -l`
    const env = { PATH: process.env.PATH ?? '', TASKMASTER_SERVER: url }
    const child = Bun.spawn(['sh', '-c', script, 'sh', ...words], { env, stdout: 'pipe', stderr: 'pipe' })
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ])
    expect({ out: out.trim(), err }).toEqual({ out: '1', err: '' })
  })
})

test('export is exact for programs, whatever is in the texts', async () => {
  const { out } = await run(['export'])
  const tasks = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { task_id: string; command: string })
  expect(tasks.find(({ task_id }) => task_id === ids.ended)?.command).toBe(HOSTILE)
})

/** The output of a program that has a terminal; null where there is no `script` to make one. */
async function onTerminal(program: string): Promise<string | null> {
  if (!Bun.which('script')) return null
  const command = `${process.execPath} -e '${program}'`
  const env = { ...process.env, HOSTILE, TERM: 'xterm', NO_COLOR: '', FORCE_COLOR: '0' }
  const child = Bun.spawn(['script', '-qec', command, '/dev/null'], {
    cwd: ROOT,
    env,
    stdout: 'pipe',
    stdin: 'ignore',
  })
  return await new Response(child.stdout).text()
}

describe('on a terminal', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  const COLOURS = /\u001b\[[\d;]*m/g

  test('the lines of a service are clean', async () => {
    const said = await onTerminal(`
      import { createLog } from "./src/shared/log.ts"
      createLog({ service: "worker", level: "info" }).warn({ name: process.env.HOSTILE }, process.env.HOSTILE)`)
    if (said === null) return console.log('skipped: there is no program `script` here')
    expect(said).toContain('owned')
    expect(said.replace(COLOURS, '').replaceAll('\r\n', '\n')).not.toMatch(ACTED_ON)
  })

  test('the lines that up passes on, and its own, are clean', async () => {
    const said = await onTerminal(`
      import { createTerminal } from "./src/cli/up/terminal.ts"
      const terminal = createTerminal("warn")
      terminal.relay("worker-1", { level: "error", msg: process.env.HOSTILE, name: process.env.HOSTILE })
      terminal.relay("worker-1", { level: "raw", msg: process.env.HOSTILE })
      terminal.step(process.env.HOSTILE)`)
    if (said === null) return console.log('skipped: there is no program `script` here')
    expect(said.match(/owned/g)).toHaveLength(4)
    expect(said.replace(COLOURS, '').replaceAll('\r\n', '\n')).not.toMatch(ACTED_ON)
  })
})

test('a log file of up keeps no text that a terminal acts on, and its JSON stays JSON', async () => {
  const { openLogFiles } = await import('../../../src/cli/up/log-file.ts')
  const { temporaryFolder } = await import('../../support/up.ts')
  const folder = await temporaryFolder()
  const logs = openLogFiles(folder)
  logs.write('worker-1', HOSTILE)
  logs.write('worker-1', JSON.stringify({ msg: HOSTILE }))
  const text = await waitFor(() => Bun.file(join(folder, 'worker-1.log')).text(), { what: 'the lines' })
  const lines = text.trimEnd().split('\n')
  expect(lines).toHaveLength(2)
  expect(text).not.toMatch(ACTED_ON)
  expect(JSON.parse(lines[1]!)).toEqual({ msg: HOSTILE })
})
