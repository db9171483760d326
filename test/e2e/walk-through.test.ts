import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { startUp, temporaryFolder } from '../support/up.ts'

const ROOT = join(import.meta.dir, '..', '..')
const page = await Bun.file(join(ROOT, 'docs', 'walk-through.md')).text()
const canRun = ['sh', 'curl', 'grep'].every((program) => Bun.which(program))
if (!canRun) console.log('curl is missing, so the walk-through is not tested.')

interface Block {
  script: string
  /** Lines that are printed, in this order; `…` stands for anything. */
  expected: string[]
}

const fences = [...page.matchAll(/^```(sh background|sh|text)\n(.*?)\n```$/gms)].map(([, kind, text]) => ({
  kind: kind!,
  text: text!,
}))

function blocksOf(): Block[] {
  const blocks: Block[] = []
  for (const { kind, text } of fences) {
    if (kind === 'sh') blocks.push({ script: text, expected: [] })
    if (kind === 'text') blocks.at(-1)!.expected.push(...text.split('\n'))
  }
  return blocks
}

const patternOf = (line: string) =>
  new RegExp(
    `^${line
      .split('…')
      .map((part) => RegExp.escape(part).replaceAll('\\x20', ' +'))
      .join('.*')}$`,
  )

/** The settings in front of `bun run up`, and nothing else is started there. */
function settingsOf(command: string): Record<string, string> {
  const [, words] = /^((?:[A-Z_]+=\S+ )*)bun run up$/.exec(command) ?? []
  expect(words).toBeString()
  return Object.fromEntries([...words!.matchAll(/([A-Z_]+)=(\S+) /g)].map(([, name, value]) => [name, value]))
}

test.skipIf(!canRun)(
  'every command of the walk-through does what the page says',
  async () => {
    const [start, ...others] = fences.filter(({ kind }) => kind === 'sh background')
    expect(others).toEqual([])
    const { url } = await startUp(await temporaryFolder(), { ...settingsOf(start!.text), WORKERS: '3' })
    const blocks = blocksOf()
    expect(blocks.length).toBeGreaterThan(8)
    // One shell, as a reader has one: what a block sets, the next ones know.
    const END = '--- end of block ---'
    const script = blocks.map((block) => `${block.script}\necho; echo '${END}'`).join('\n')
    const child = Bun.spawn(['sh', '-euc', script.replaceAll('localhost:8081', new URL(url).host)], {
      cwd: ROOT,
      env: { PATH: process.env.PATH!, HOME: process.env.HOME ?? '/', TASKMASTER_SERVER: url },
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ])
    expect({ code, err: code === 0 ? '' : err + out.slice(-2000) }).toEqual({ code: 0, err: '' })
    const printed = `${out}`.split(END)
    for (const [index, { script, expected }] of blocks.entries()) {
      // What goes to standard error is expected too, wherever it came.
      const lines = [...printed[index]!.split('\n'), ...err.split('\n')]
      for (const line of expected) {
        const pattern = patternOf(line)
        const at = lines.findIndex((each) => pattern.test(each.trimEnd()))
        expect({ script, line, found: at >= 0 || lines }).toEqual({ script, line, found: true })
      }
    }
  },
  180_000,
)
