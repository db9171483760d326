import { beforeAll, expect, test } from 'bun:test'
import { credentials, type ServiceError, status } from '@grpc/grpc-js'
import { CoordinatorService } from '../../../src/shared/rpc/load.ts'
import { readSqlstatesOfEachClass } from '../../support/sqlstates.ts'
import { openRaw, startStand } from '../coordinator/stand.ts'
import { type Answer, createStand } from '../scheduler/stand.ts'

/** What callers are told when the database refuses, by REST, tRPC and gRPC. */

const stand = await createStand()
const { address } = await startStand({}, stand.database)
await openRaw(address, {})
const grpc = new CoordinatorService(address, credentials.createInsecure())

/** Raised by every insert of a task; as PostgreSQL does when it is in trouble. */
beforeAll(async () => {
  await stand.sql.unsafe(`
    CREATE TABLE refusals (code text);
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE wanted text := (SELECT code FROM refusals);
    BEGIN
      IF wanted IS NOT NULL THEN RAISE EXCEPTION 'refused' USING ERRCODE = wanted; END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON task_records FOR EACH STATEMENT EXECUTE FUNCTION refuse()`)
})

async function whileRefusing<T>(code: string, ask: () => Promise<T>): Promise<T> {
  await stand.sql`INSERT INTO refusals VALUES (${code})`
  try {
    return await ask()
  } finally {
    await stand.sql`DELETE FROM refusals`
  }
}

const byRest = () => stand.post('/tasks', { command: 'x' })
const byTrpc = () => stand.post('/trpc/tasks.submit', { command: 'x' })
const byGrpc = () =>
  new Promise<ServiceError | null>((resolve) => grpc.SubmitTask({ data: 'x' }, (error) => resolve(error)))

const told = ({ status, body, headers }: Answer) => ({
  status,
  retryAfter: headers.get('Retry-After'),
  error: body.error?.message ?? body.error,
})

const INTERNAL = /^(0[ABFLPZ]|03|10|2[0-5D]|34|3B|42)/
const INVALID = ['22001', '22021', '22P05']
const codes = await readSqlstatesOfEachClass()

test('a database in trouble is 503 with Retry-After and the cause in plain words, whatever class its error is of', async () => {
  const isOurs = (code: string) => INTERNAL.test(code) && !['0A000', '25006', '42501'].includes(code)
  for (const code of codes.filter((one) => !isOurs(one) && !INVALID.includes(one))) {
    const [rest, trpc, grpc] = await whileRefusing(code, async () => [
      told(await byRest()),
      told(await byTrpc()),
      await byGrpc(),
    ])
    const unavailable = { status: 503, retryAfter: '1', error: expect.stringMatching(/Try again shortly\.$/) }
    expect({ code, rest, trpc, grpc: grpc?.code }).toEqual({
      code,
      rest: unavailable,
      trpc: unavailable,
      grpc: status.UNAVAILABLE,
    })
    expect(grpc?.details).toBe(rest.error)
  }
  expect(stand.logged.filter(({ level }) => level >= 50)).toEqual([])
})

test.each([
  ['53100', 'The database is out of disk space.'],
  ['25006', 'The database is read-only.'],
  ['53300', 'The database has no connection left.'],
  ['42501', 'TaskMaster lacks a permission in the database.'],
  ['57P01', 'The database is shutting down, restarting or recovering.'],
  ['40001', 'Other changes to the same data were under way.'],
])('%s is told as: %s', async (code, words) => {
  const { body } = await whileRefusing(code, byRest)
  expect(body).toEqual({ error: `${words} Try again shortly.`, code: 'unavailable' })
})

test.each(INVALID)('%s, of a text that cannot be stored, is 400', async (code) => {
  const [rest, trpc, grpc] = await whileRefusing(code, async () => [
    told(await byRest()),
    told(await byTrpc()),
    await byGrpc(),
  ])
  const invalid = { status: 400, retryAfter: null, error: expect.stringMatching(/cannot store/) }
  expect({ rest, trpc, grpc: grpc?.code }).toEqual({
    rest: invalid,
    trpc: invalid,
    grpc: status.INVALID_ARGUMENT,
  })
})

test.each(['42P01', '23514', '22003'])(
  '%s is a fault of ours: 500, with an id that the log has',
  async (code) => {
    const { status, body } = await whileRefusing(code, byRest)
    expect({ status, body }).toEqual({
      status: 500,
      body: { error: expect.stringMatching(/^Internal error /), code: 'internal', id: expect.any(String) },
    })
    expect(stand.logged.at(-1)).toMatchObject({ level: 50, id: body.id })
  },
)
