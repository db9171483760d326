/**
 * What an error of the database means, by its SQLSTATE. The class, its first two characters, decides; some codes differ
 * from their class. Source: Appendix A of PostgreSQL's documentation.
 */
export interface Meaning {
  /**
   * - `unavailable`: the database, its server or its settings are in trouble; the same call may succeed later.
   * - `invalid`: a text of the caller's cannot be stored.
   * - `internal`: a statement of ours is wrong, or was given what validation should have refused.
   */
  kind: 'unavailable' | 'invalid' | 'internal'
  /** In plain words, for callers. */
  text: string
  /** Never the fault of one row, whatever it holds: another row would have met the same. */
  isGeneral: boolean
}

export const UNREACHABLE: Meaning = general('The database is not available.')

const LIMIT: Meaning = unavailable('The database has reached one of its own limits.')
const REFUSED: Meaning = unavailable('A trigger, a rule or a function in the database refused the operation.')
const UNSTORABLE: Meaning = {
  kind: 'invalid',
  text: 'A text holds characters that the database cannot store, or is too long for it.',
  isGeneral: false,
}
const OURS: Meaning = { kind: 'internal', text: 'Internal error.', isGeneral: false }

const CODES: Record<string, Meaning> = {
  '0A000': general('The database does not support the operation, or its schema is changing.'),
  '22001': UNSTORABLE, // too long
  '22021': UNSTORABLE, // not in the encoding
  '22P05': UNSTORABLE, // has no equivalent in the encoding
  '25006': general('The database is read-only.'),
  '25P02': general('The transaction was ended by an earlier error.'),
  '25P03': general('The transaction was idle for too long.'),
  '25P04': general('The transaction took too long.'),
  '42501': general('TaskMaster lacks a permission in the database.'),
  '53100': general('The database is out of disk space.'),
  '53200': general('The database is out of memory.'),
  '53300': general('The database has no connection left.'),
  '55P03': general('The database is busy: a lock was not free in time.'),
  '57014': general('The database took too long to answer.'),
  '57P03': general('The database is starting up, shutting down or recovering.'),
  '57P04': general('The database that TaskMaster uses was dropped.'),
}

const CLASSES: Record<string, Meaning> = {
  '08': UNREACHABLE,
  '09': REFUSED,
  '26': general('The database has forgotten a prepared statement.'),
  '27': REFUSED,
  '28': general('The database does not let TaskMaster log in.'),
  '2B': general('The privileges of a role in the database are in the way.'),
  '2F': REFUSED,
  '38': REFUSED,
  '39': REFUSED,
  '3D': general('The database that TaskMaster uses does not exist.'),
  '3F': general('The schema that TaskMaster uses does not exist.'),
  '40': general('Other changes to the same data were under way.'),
  '44': REFUSED,
  '53': general('The database is out of resources.'),
  '54': LIMIT,
  '55': general('The database is not in a state for the operation.'),
  '57': general('The database is shutting down, restarting or recovering.'),
  '58': general('The disk or the operating system of the database failed.'),
  '72': general('The database has removed a snapshot that was in use.'),
  F0: general('The settings of the database are at fault.'),
  HV: general('A foreign table of the database is not available.'),
  P0: REFUSED,
  XX: unavailable('The database reports a fault of its own.'),
}

/** Classes of statements that are wrong: ours. All others are the database's, or of triggers that others made. */
const STATEMENTS = new Set('00 01 02 03 0B 0F 0L 0P 0Z 10 20 21 22 23 24 25 2D 34 3B 42'.split(' '))

/** @param code five characters: digits and upper-case letters */
export function meaningOf(code: string): Meaning {
  const ofClass = code.slice(0, 2)
  return CODES[code] ?? CLASSES[ofClass] ?? (STATEMENTS.has(ofClass) ? OURS : REFUSED)
}

function general(text: string): Meaning {
  return { kind: 'unavailable', text, isGeneral: true }
}

function unavailable(text: string): Meaning {
  return { kind: 'unavailable', text, isGeneral: false }
}
