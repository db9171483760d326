import { join } from 'node:path'

const DIST = join(import.meta.dir, '..', 'web', 'dist')

export interface Sizes {
  /** KiB, gzip: what the page loads before it shows anything. */
  initialKiB: number
  /** KiB, gzip: every script of the build. */
  allKiB: number
}

/** The scripts of the production build, as the scheduler compresses them. */
export async function measureSizes(): Promise<Sizes> {
  const html = await Bun.file(join(DIST, 'index.html')).text()
  const first = [...html.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)].map(([, path]) => path as string)
  const all = await Array.fromAsync(new Bun.Glob('**/*.js').scan({ cwd: DIST }))
  return { initialKiB: await sumOf(await withImports(first)), allKiB: await sumOf(all) }
}

/** These scripts, and those that they import statically. */
async function withImports(paths: string[]): Promise<string[]> {
  const found = new Set<string>()
  const scan = new Bun.Transpiler({ loader: 'js' })
  const visit = async (path: string): Promise<void> => {
    if (found.has(path)) return
    found.add(path)
    const imports = scan.scanImports(await Bun.file(join(DIST, path)).text())
    for (const { kind, path: to } of imports)
      if (kind === 'import-statement') await visit(join(path, '..', to))
  }
  for (const path of paths) await visit(path)
  return [...found]
}

async function sumOf(paths: string[]): Promise<number> {
  const sizes = paths.map(async (path) => Bun.gzipSync(await Bun.file(join(DIST, path)).bytes()).length)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0) / 1024
}
