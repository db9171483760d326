import { expect, test } from 'bun:test'
import { z } from 'zod'
import type { Client, Handle } from '../../../src/client/main.ts'
import type { greet as Greet } from '../../support/handlers/greet.ts'

declare const greet: typeof Greet

const sendEmail = {
  name: 'send-email',
  input: z.object({ to: z.string(), copies: z.number().default(1) }),
  retries: 2,
  timeoutMs: 5000,
  run: async (_context: unknown, input: { to: string; copies: number }) => ({ sent: input.copies }),
}
const ping = { name: 'ping', run: () => 'pong' as const }
const untyped = { name: 'square', run: (_: unknown, input: number) => input * input }

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <_ extends true>() => {}

/** Never run: that it compiles, and that what must not compile does not, is the test. */
export async function typesOf(client: Client) {
  const handle = await client.submit(sendEmail, { to: 'a@example.org' })
  holds<Same<typeof handle, Handle<{ sent: number }>>>()
  await client.submit(
    sendEmail,
    { to: 'a', copies: 2 },
    { delayMs: 10, priority: 'HIGH', retries: 1, at: new Date() },
  )
  // @ts-expect-error it needs a string
  await client.submit(sendEmail, { to: 17 })
  // @ts-expect-error it needs to be told to whom
  await client.submit(sendEmail, {})
  // @ts-expect-error it needs an input
  await client.submit(sendEmail)
  // @ts-expect-error there is no such option
  await client.submit(sendEmail, { to: 'a' }, { colour: 'red' })

  const byName = await client.submit<typeof sendEmail>('send-email', { to: 'a@example.org' })
  holds<Same<Awaited<ReturnType<typeof byName.result>>, { sent: number }>>()
  // @ts-expect-error by name, it is as strict
  await client.submit<typeof sendEmail>('send-email', { to: 17 })

  const pinged = await client.submit(ping)
  holds<Same<typeof pinged, Handle<'pong'>>>()
  await client.submit(untyped, 3)
  // @ts-expect-error a number
  await client.submit(untyped, 'three')

  const greeted = await client.submit(greet, { name: 'Ada' })
  holds<Same<typeof greeted, Handle<{ greetings: string[]; attempt: number }>>>()
  // @ts-expect-error a number of times
  await client.submit(greet, { name: 'Ada', times: 'twice' })
  // @ts-expect-error no name
  await client.submit(greet, { times: 2 })

  await client.submit(ping, undefined, { dependsOn: [greeted.id], queue: 'mail', concurrencyKey: 'k' })
  // @ts-expect-error ids
  await client.submit(ping, undefined, { dependsOn: greeted })

  const plain = await client.submit({ command: 'x', executor: 'simulate', payload: { a: 1 }, retries: 3 })
  holds<Same<typeof plain, Handle<unknown>>>()
  // @ts-expect-error without a command it is no task
  await client.submit({ payload: 1 })
  // @ts-expect-error text, not a number
  await client.submit({ command: 7 })
}

test('wrong input does not compile: see above, and bun run check', () => {
  expect(typesOf).toBeFunction()
})
