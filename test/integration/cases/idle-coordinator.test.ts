import { expect, test } from 'bun:test'
import { waitFor } from '../../support/wait.ts'
import { startStand } from '../coordinator/stand.ts'

test('a coordinator without workers tells that it cannot put tasks back, whatever the reason, until it can', async () => {
  const { sql, troubles } = await startStand({ HEARTBEAT_INTERVAL: '100' })
  await sql.unsafe(`
    CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'internal words' USING ERRCODE = '20000'; END $$;
    CREATE TRIGGER broken BEFORE UPDATE ON task_records FOR EACH STATEMENT EXECUTE FUNCTION broken()`)
  const found = await waitFor(() => troubles.list().find(({ key }) => key === 'recovery'), {
    what: 'it to be told',
  })
  expect(found).toMatchObject({
    message: 'Tasks of lost workers cannot be put back: A statement failed (SQLSTATE 20000).',
    code: '20000',
  })
  await sql`DROP FUNCTION broken CASCADE`
  await waitFor(() => troubles.list().length === 0, { what: 'it to be over' })
})
