import { expect, test } from 'bun:test'
import { runBench, runToFailure, startBench } from '../support/bench.ts'
import { waitFor } from '../support/wait.ts'

const NUMBER = /^[\d,.]+ \([\d.]+\)$/

test('the help lists every bench with an example', async () => {
  const child = startBench(['--help'])
  const help = await new Response(child.stdout).text()
  const benches = [
    'faults',
    'dashboard',
    'lists',
    'peers',
    'held-snapshot',
    'limits',
    'slow-disk',
    'full',
    'soak',
  ]
  for (const bench of benches) expect(help).toContain(`bun run bench --${bench}`)
  expect(await child.exited).toBe(0)
})

test('a flag without a number is refused', async () => {
  expect(await runToFailure(['--peers', '--runs', 'many'])).toEqual({
    code: 1,
    err: 'Error: --runs must be followed by a number above zero, not many\n',
  })
})

test('TaskMaster is compared with its peers in one table with ratios', async () => {
  const sizes = ['--runs', '1', '--tasks', '300', '--samples', '5', '--seconds', '4']
  const { rows, columns, result, out } = await runBench('--peers', '--only', 'localQueue,raw', ...sizes)
  const peers = ['graphile-worker, localQueue 500', 'pg-boss, raw: fetch and complete 500']
  expect(rows).toEqual(['TaskMaster', ...peers])
  expect(columns).toEqual([
    'drain /s',
    'insert /s, batches',
    'insert /s, singles at 64',
    'pick-up p50 ms',
    'pick-up p99 ms',
  ])
  const lines = out.split('\n').filter((line) => line.includes('│'))
  for (const peer of peers) {
    const line = lines.find((one) => one.includes(peer)) ?? ''
    const [drain, batches, singles, ...pickUp] = line.split('│').slice(2, -1)
    for (const cell of [drain, batches, singles]) expect(cell?.trim()).toMatch(NUMBER)
    // Fetching by hand is not told of anything.
    for (const cell of pickUp) expect(cell.trim()).toMatch(peer.includes('raw') ? /^–$/ : NUMBER)
  }
  expect(Object.keys(result.medians)).toEqual(['TaskMaster', ...peers])
  expect(result.medians.TaskMaster.pickUpP50).toBeGreaterThan(0)
}, 60_000)

test('Ctrl-C leaves no process and no folder behind', async () => {
  const child = startBench(['--peers', '--tasks', '300', '--only', 'localQueue'])
  const mine = () => processesBelow(child.pid)
  // PostgreSQL, its helpers, a coordinator and more.
  const started = await waitFor(
    async () => {
      const pids = await mine()
      return pids.length > 8 && pids
    },
    { what: 'the system to run' },
  )
  const folders = await foldersOf(started)
  expect(folders.length).toBeGreaterThan(0)
  child.kill('SIGINT')
  expect(await child.exited).toBe(130)
  await waitFor(() => started.every((pid) => !isRunning(pid)), { what: 'its processes to end' })
  for (const folder of folders)
    expect(await Bun.$`test -e ${folder}`.nothrow().quiet()).toMatchObject({ exitCode: 1 })
}, 60_000)

/** All that a process has started, and what that has started, as the kernel lists them. */
async function processesBelow(pid: number): Promise<number[]> {
  const listed = await Array.fromAsync(
    new Bun.Glob('*/children').scan({ cwd: `/proc/${pid}/task`, onlyFiles: false }),
    (path) => Bun.file(`/proc/${pid}/task/${path}`).text(),
  ).catch(() => [])
  const children = listed.join(' ').split(/\s+/).filter(Boolean).map(Number)
  return [...children, ...(await Promise.all(children.map(processesBelow))).flat()]
}

/** The temporary folders of benches that these processes name. */
async function foldersOf(pids: number[]): Promise<string[]> {
  const lines = await Promise.all(
    pids.map((pid) =>
      Bun.file(`/proc/${pid}/cmdline`)
        .text()
        .catch(() => ''),
    ),
  )
  return [...new Set(lines.join('\0').match(/[^\0]*taskmaster-bench-[^/\0]+/g) ?? [])]
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
