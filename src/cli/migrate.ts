import { Command } from 'commander'
import { type CommonOptions, finishCommand, print, printJson } from './command.ts'
import { readConfig } from './up/config.ts'
import { allowServices, describeMigration, migrateDatabase, openDatabase } from './up/database.ts'
import { takeFolder } from './up/folder.ts'

const HELP = `
The database is the one that DATABASE_URL or POSTGRES_* name, else the one that \`bun run up\` brings along;
services migrate it by themselves when they start, unless their role may not. The tables are in a schema of
their own, DB_SCHEMA, which is made when it is missing.

Examples:
  $ DATABASE_URL=postgres://me:secret@db.example/tasks bun run migrate
  $ bun run migrate --grant-to app          services may be the role app, which may create nothing
  $ bun run migrate --print > migrate.sql   what is to be done, for an administrator to run with psql`

/** @param env the settings of the database */
export function migrateCommand(env: Record<string, string | undefined>): Command {
  const command = new Command('migrate')
    .description("bring the database's schema up to date")
    .option('--grant-to <role>', 'let a role do what services do, and nothing else')
    .option('--print', 'print the SQL that would be run, and run none of it')
    .addHelpText('after', HELP)
  return finishCommand<[], CommonOptions & { grantTo?: string; print?: true }>(command, async (options) => {
    const { json, grantTo, print: isPrinted } = options
    const config = readConfig(env, [])
    const tell = json || isPrinted ? () => {} : print
    const lock = config.database ? null : await takeFolder(config.folder)
    const database = await openDatabase(config, { onProgress: tell, onLog: () => {} })
    try {
      if (isPrinted) {
        const text = await describeMigration(database.settings, config.databaseTries, tell)
        if (json) printJson({ sql: text })
        else print(text || '-- The database is up to date.')
        return
      }
      const applied = await migrateDatabase(database.settings, config.databaseTries, tell)
      if (grantTo !== undefined) await allowServices(database.settings, grantTo, tell)
      if (json) printJson({ applied })
      else print(applied.length > 0 ? `Applied: ${applied.join(', ')}` : 'The database is up to date.')
    } finally {
      await database.stop()
      lock?.release()
    }
  })
}
