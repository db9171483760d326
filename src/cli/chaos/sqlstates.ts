import type { Random } from './random.ts'

/** Which statements fail, and with what. */
export interface DatabaseTrouble {
  what: DatabaseTroubleKind
  sqlstate: string
}

/** Of each class of SQLSTATE that is an error, one or two codes. */
export const SQLSTATES = [
  ...['03000', '08006', '09000', '0A000', '0B000', '0F001', '0L000', '0P000', '0Z000', '20000', '21000'],
  ...['22001', '22P02', '23505', '23514', '24000', '25006', '25P02', '26000', '27000', '28000', '28P01'],
  ...['2B000', '2D000', '2F000', '34000', '38000', '39000', '3B000', '3D000', '3F000', '40001', '40P01'],
  ...['42501', '42P01', '42703', '44000', '53000', '53100', '53200', '53300', '53400', '54000', '54001'],
  ...['55000', '55006', '55P03', '57014', '57P01', '57P03', '57P04', '58000', '58030', '58P01', '72000'],
  ...['F0000', 'HV000', 'P0001', 'XX000', 'XX001', 'XX002'],
] as const

/** The classes that say that the server has no room, is busy or is broken, never that a value is wrong. */
const ENVIRONMENT = ['08', '40', '53', '55', '57', '58']
export const isEnvironmental = (sqlstate: string): boolean => ENVIRONMENT.includes(sqlstate.slice(0, 2))
const ENVIRONMENTAL = SQLSTATES.filter(isEnvironmental)

/**
 * What fails:
 * `updates` every update of tasks, `outputs` every update that stores an output, `inserts` every insert of tasks,
 * `workers` every write of workers, `logs` every insert of lines; `owner`: the tasks belong to another role;
 * `role`: the services' role may not log in; `database`: the database has another name.
 */
export type DatabaseTroubleKind =
  | 'updates'
  | 'outputs'
  | 'inserts'
  | 'workers'
  | 'logs'
  | 'owner'
  | 'role'
  | 'database'

/** Draws a trouble; of one row alone, or of submissions, only what no value can be the cause of. */
export function drawTrouble(random: Random): DatabaseTrouble {
  const what = random.pick([
    ...(['updates', 'updates', 'updates', 'outputs', 'outputs', 'inserts'] as const),
    ...(['workers', 'logs', 'owner', 'role', 'database'] as const),
  ])
  switch (what) {
    case 'updates':
    case 'workers':
      return { what, sqlstate: random.pick(SQLSTATES) }
    case 'outputs':
    case 'inserts':
    case 'logs':
      return { what, sqlstate: random.pick(ENVIRONMENTAL) }
    case 'owner':
      return { what, sqlstate: '42501' }
    case 'role':
      return { what, sqlstate: '28000' }
    case 'database':
      return { what, sqlstate: '3D000' }
  }
}
