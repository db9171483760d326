import { join } from 'node:path'

const SOURCE = join(import.meta.dir, '../../../src')

/** The names of the settings that a service reads: those of its own config and those that it shares. */
export async function settingsOf(service: string): Promise<string[]> {
  const own = await Bun.file(join(SOURCE, service, 'config.ts')).text()
  const shared = await Bun.file(join(SOURCE, 'shared/settings.ts')).text()
  const groups = [...own.matchAll(/^ {2}\.\.\.(\w+),$/gm)].map(([, name]) => {
    const begin = shared.indexOf(`export const ${name} = {`)
    return shared.slice(begin, shared.indexOf('\n}', begin))
  })
  return [own, ...groups].flatMap((text) =>
    [...text.matchAll(/^ {2}([A-Z][A-Z0-9_]+): /gm)].map(([, name]) => name as string),
  )
}
