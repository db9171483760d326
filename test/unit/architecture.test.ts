import { expect, test } from 'bun:test'
import { dirname, join, relative } from 'node:path'

const ROOT = join(import.meta.dir, '..', '..')
const MAX_LINES = 400
const SERVICES = ['scheduler', 'coordinator', 'worker', 'docker-proxy', 'cli'] as const

interface Source {
  path: string
  text: string
  /** What it imports at run time, by path; imports of types alone are not among them. */
  imports: string[]
}

const scanners = { ts: new Bun.Transpiler({ loader: 'ts' }), tsx: new Bun.Transpiler({ loader: 'tsx' }) }
const glob = new Bun.Glob('{src,test,bench,web}/**/*.{ts,tsx}')
const sources: Source[] = await Promise.all(
  [...glob.scanSync(ROOT)]
    .filter((path) => !/(node_modules|dist)\//.test(path))
    .sort()
    .map(async (path) => {
      const text = await Bun.file(join(ROOT, path)).text()
      const imports = scanners[path.endsWith('.tsx') ? 'tsx' : 'ts']
        .scanImports(text.replace(/^#!.*/, ''))
        .map((found) => found.path)
        .filter((to) => to.startsWith('.'))
        .map((to) => relative(ROOT, join(ROOT, dirname(path), to)))
      return { path, text, imports }
    }),
)
const ours = sources.filter(({ path }) => path.startsWith('src/'))

/** Which part of the house a file belongs to; they may import themselves and what is on their line. */
const MAY_IMPORT: Record<string, string[]> = {
  core: [],
  shared: ['core'],
  scheduler: ['core', 'shared'],
  coordinator: ['core', 'shared'],
  worker: ['core', 'shared', 'task'],
  // What handlers import: of ours, only words.
  task: ['core'],
  'docker-proxy': ['core', 'shared'],
  cli: ['core', 'shared'],
  // It runs in browsers: of the scheduler it knows types alone, and the core is pure.
  client: ['core'],
}
const partOf = (path: string) => (path.startsWith('src/shared/core/') ? 'core' : (path.split('/')[1] ?? path))

test('the source is there', () => {
  expect(ours.length).toBeGreaterThan(50)
  expect([...new Set(ours.map(({ path }) => partOf(path)))].sort()).toEqual(Object.keys(MAY_IMPORT).sort())
})

test(`no file has more than ${MAX_LINES} lines`, () => {
  const long = sources.filter(({ text }) => text.split('\n').length - 1 > MAX_LINES).map(({ path }) => path)
  expect(long).toEqual([])
})

test('imports flow from the core outward, and no service imports another', () => {
  const wrong = ours.flatMap(({ path, imports }) => {
    const from = partOf(path)
    return imports
      .filter((to) => to.startsWith('src/') && partOf(to) !== from && !MAY_IMPORT[from]?.includes(partOf(to)))
      .map((to) => `${path} imports ${to}`)
  })
  expect(wrong).toEqual([])
})

test('nothing in src imports what is outside of it, but package.json and the proto and sql files', () => {
  const outside = ours.flatMap(({ path, imports }) =>
    imports
      .filter((to) => !/^(src|proto|sql)\/|^package\.json$/.test(to))
      .map((to) => `${path} imports ${to}`),
  )
  expect(outside).toEqual([])
})

test('every import leads to a file', async () => {
  const missing: string[] = []
  for (const { path, imports } of sources) {
    for (const to of imports)
      if (!(await Bun.file(join(ROOT, to)).exists())) missing.push(`${path} imports ${to}`)
  }
  expect(missing).toEqual([])
})

test('there is no import cycle', () => {
  const graph = new Map(sources.map(({ path, imports }) => [path, imports]))
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, trail: string[]) => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
    if (done.has(path) || trail.includes(path)) return
    for (const to of graph.get(path) ?? []) visit(to, [...trail, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  expect(cycles).toEqual([])
})

/** Packages that are pure themselves, and who in the core may use them. */
const PURE_PACKAGES: Record<string, string[]> = { 'src/shared/core/schedule/cron.ts': ['croner'] }

test('the core is pure: no package, no clock, no randomness, no I/O', () => {
  const IMPURE =
    /Date\.now|new Date\(\)|Math\.random|performance\.|crypto\.|process\.|Bun\.|setTimeout|console\.|fetch\(/
  const core = ours.filter(({ path }) => partOf(path) === 'core')
  for (const { path, text } of core) {
    expect({
      path,
      packages: scanners.ts
        .scanImports(text)
        .map((found) => found.path)
        .filter((name) => !name.startsWith('.') && !PURE_PACKAGES[path]?.includes(name)),
    }).toEqual({
      path,
      packages: [],
    })
    expect({ path, impure: IMPURE.exec(withoutComments(text))?.[0] }).toEqual({ path, impure: undefined })
  }
})

test('only main.ts and config.ts files read the environment, and what watches the parent', () => {
  const allowed = /\/(main|config)\.ts$|^src\/shared\/lifecycle\.ts$|^src\/cli\//
  const reading = ours
    .filter(({ text }) => /\b(process|Bun)\.env\b|import\.meta\.env/.test(withoutComments(text)))
    .map(({ path }) => path)
  expect(reading.filter((path) => !allowed.test(path))).toEqual([])
})

test('only the store speaks SQL', () => {
  const speaking = ours
    .filter(({ path, text }) => !path.startsWith('src/shared/store/') && /\bsql`|\bsql<[^(]*>`/.test(text))
    .map(({ path }) => path)
  expect(speaking).toEqual([])
})

test('no file is called after nothing in particular', () => {
  const vague = sources.filter(({ path }) =>
    /(^|\/)(utils?|common|helpers?|managers?|index|misc)(\.|\/)/.test(path),
  )
  expect(vague.map(({ path }) => path)).toEqual([])
})

test('the services are those that are launched', () => {
  for (const service of SERVICES)
    expect(sources.some(({ path }) => path === `src/${service}/main.ts`)).toBe(true)
})

test('no line of bun.lock carries the address of a registry', async () => {
  const lines = (await Bun.file(join(ROOT, 'bun.lock')).text()).split('\n')
  expect(lines.filter((line) => /https?:\/\//.test(line))).toEqual([])
})

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '')
}
