/** Programs that only some tests need; those that lack them are skipped, and say so. */
import type { DatabaseSettings } from '../../src/shared/store/connect.ts'

export const hasPsql = Bun.which('psql') !== null
if (!hasPsql)
  console.log('psql is not installed: tests that need it are skipped (apt install postgresql-client)')

/** A Python that has this module, Debian's too where another one comes first; null: there is none. */
export async function findPython(module: string): Promise<string | null> {
  for (const program of ['python3', '/usr/bin/python3']) {
    if (Bun.which(program) === null) continue
    const child = Bun.spawn([program, '-c', `import ${module}`], { stderr: 'ignore' })
    if ((await child.exited) === 0) return program
  }
  console.log(`No Python has ${module}: tests that need it are skipped (apt install python3-${module})`)
  return null
}

/** As psql and other programs are told of a database. */
export function databaseUrl({ user, password, host, port, database }: DatabaseSettings): string {
  const [name, secret] = [user, password].map(encodeURIComponent)
  return `postgres://${name}:${secret}@${host}:${port}/${database}`
}
