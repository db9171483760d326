import { Command } from 'commander'
import { type CommonOptions, finishCommand, print, printJson } from './command.ts'
import { readConfig } from './up/config.ts'
import { migrateDatabase, openDatabase } from './up/database.ts'
import { takeFolder } from './up/folder.ts'

const HELP = `
The database is the one that DATABASE_URL or POSTGRES_* name, else the one that \`bun run up\` brings along;
services migrate it by themselves when they start.

Example:
  $ DATABASE_URL=postgres://me:secret@db.example/tasks bun run migrate`

/** @param env the settings of the database */
export function migrateCommand(env: Record<string, string | undefined>): Command {
  const command = new Command('migrate')
    .description("bring the database's schema up to date")
    .addHelpText('after', HELP)
  return finishCommand<[], CommonOptions>(command, async ({ json }) => {
    const config = readConfig(env, [])
    const tell = json ? () => {} : print
    const lock = config.database ? null : await takeFolder(config.folder)
    const database = await openDatabase(config, { onProgress: tell, onLog: () => {} })
    try {
      const applied = await migrateDatabase(database.settings, config.databaseTries, tell)
      if (json) printJson({ applied })
      else print(applied.length > 0 ? `Applied: ${applied.join(', ')}` : 'The database is up to date.')
    } finally {
      await database.stop()
      lock?.release()
    }
  })
}
