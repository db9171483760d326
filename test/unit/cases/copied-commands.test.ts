import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { commandFor, startCommandFor } from '../../../web/src/commands.ts'

const ROOT = join(import.meta.dir, '../../..')
const CLONE = { prefix: null, coordinator: 'tasks.example:8080' }
const COMPOSE = {
  prefix: 'docker compose exec scheduler bun src/cli/main.ts',
  coordinator: 'coordinator:8080',
}

test('a command to copy runs in a clone, against the scheduler of the page, or in the container of the scheduler', () => {
  expect(commandFor(['scale', '5'], CLONE, 'http://localhost:9000')).toBe(
    'bun run taskmaster scale 5 --server http://localhost:9000',
  )
  expect(commandFor(['scale', '5'], COMPOSE, 'http://localhost:9000')).toBe(
    'docker compose exec scheduler bun src/cli/main.ts scale 5',
  )
  expect(startCommandFor(CLONE)).toBe('bun src/worker/main.ts --coordinator-address tasks.example:8080')
})

test('no name of a worker is more than a word to the shell that it is pasted into', () => {
  for (const name of ["a'; touch /tmp/x; '", '$(reboot)', 'two words', '`x`', 'a\\b', '*', '-', 'ü']) {
    const line = commandFor(['kill', name], { ...COMPOSE, prefix: 'printf "[%s]"' }, '')
    expect(Bun.spawnSync(['sh', '-c', line]).stdout.toString()).toBe(`[kill][${name}]`)
  }
})

test('no page, message or document shows a command that is not there to be run', async () => {
  const bare = /(?<![\w./"'`-])`?taskmaster (submit|status|scale|kill|logs|workers|workflow|tasks|up) /
  const found: string[] = []
  for (const path of new Bun.Glob(
    '{README.md,docs/*.md,examples/**/*.md,deploy/**/*.md,web/src/**/*.{ts,tsx},src/**/*.ts}',
  ).scanSync(ROOT)) {
    const lines = (await Bun.file(join(ROOT, path)).text()).split('\n')
    for (const [index, line] of lines.entries())
      if (bare.test(line.replaceAll('bun run taskmaster', '')))
        found.push(`${path}:${index + 1} ${line.trim()}`)
  }
  expect(found).toEqual([])
})
