import { expect, test } from 'bun:test'
import { findEnded, findRunners, type ProcessFacts } from '../../../src/cli/up/runners.ts'

type Given = [command: string, session?: number]

/** The last is the launcher; each is the parent of the next. */
function line(...commands: Given[]) {
  const facts = commands.map(
    ([command, session = 1], index): ProcessFacts => ({
      ...{ pid: index + 1, parent: index, session, startedAt: `${index}`, isZombie: false, command },
    }),
  )
  const read = (pid: number) => facts[pid - 1] ?? null
  const found = findRunners(facts.length, read)
  return { found, commands: found.map(({ command }) => command), facts, read }
}

const UP: Given = ['/usr/bin/bun src/cli/up.ts']

test.each<[what: string, above: Given[], runners: string[]]>([
  [
    'npx, its shell and bun run',
    [['init'], ['-bash'], ['npm exec bun@1.4.5 run up'], ["sh -c 'bun' run up"], ['bun run up']],
    ['bun run up', "sh -c 'bun' run up", 'npm exec bun@1.4.5 run up'],
  ],
  [
    'npx before it has a title',
    [['init'], ['node /usr/bin/npx bun@1.4.5 run up']],
    ['node /usr/bin/npx bun@1.4.5 run up'],
  ],
  [
    'bun run in a terminal',
    [['init'], ['-zsh'], ['/root/.bun/bin/bun run dev']],
    ['/root/.bun/bin/bun run dev'],
  ],
  [
    'npm run',
    [['init'], ['fish'], ['npm run up'], ['sh -c bun src/cli/up.ts']],
    ['sh -c bun src/cli/up.ts', 'npm run up'],
  ],
  [
    'what installed the packages first',
    [['init'], ['-bash'], ['bun run up'], ['bun src/cli/up.ts']],
    ['bun src/cli/up.ts', 'bun run up'],
  ],
  [
    'a shell that starts it in the background',
    [['init'], ['sh -c bun run up &'], ['bun run up']],
    ['bun run up'],
  ],
  ['a script of somebody', [['init'], ['python3 supervise.py']], []],
  ['an init', [['/sbin/init']], []],
  ['a container, where bun run is the first process', [['bun run up']], []],
  ['setsid below npx', [['init'], ['npm exec x', 5], ['bun run up', 1]], ['bun run up']],
  ['a terminal that is called like one of them', [['init'], ['/opt/npxterm/bin'], ['vim npx']], []],
])('%s: what is watched', (_, above, runners) => {
  expect(line(...above, UP).commands).toEqual(runners)
})

test('the first that has ended is found, also as a zombie or when its number is that of another', () => {
  const { found, facts, read } = line(['init'], ['npm exec x'], ['sh -c x'], ['bun run up'], UP)
  expect(findEnded(found, read)).toBeNull()
  const changed = (change: Partial<ProcessFacts> | null) => (pid: number) =>
    pid !== 2 ? read(pid) : change && { ...facts[1]!, ...change }
  for (const change of [null, { isZombie: true }, { startedAt: 'later' }])
    expect(findEnded(found, changed(change))?.command).toBe('npm exec x')
})
