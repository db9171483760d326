import { join } from 'node:path'
import {
  commonSettings,
  databaseSettings,
  heartbeatSettings,
  taskLogSettings,
} from '../../../src/shared/settings.ts'

const SOURCE = join(import.meta.dir, '../../../src')
const SHARED: Record<string, object> = {
  commonSettings,
  databaseSettings,
  heartbeatSettings,
  taskLogSettings,
}

/** The names of the settings that a service reads: those of its own config and those that it shares. */
export async function settingsOf(service: string): Promise<string[]> {
  const config = await Bun.file(join(SOURCE, service, 'config.ts')).text()
  const own = [...config.matchAll(/^ {2}([A-Z][A-Z0-9_]+): /gm)].map(([, name]) => name as string)
  const shared = [...config.matchAll(/^ {2}\.\.\.(\w+Settings),$/gm)].map(
    ([, name = '']) => SHARED[name] ?? {},
  )
  return [...own, ...shared.flatMap((group) => Object.keys(group))]
}
