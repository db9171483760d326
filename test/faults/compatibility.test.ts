import { describe, expect, test } from 'bun:test'
import { Client, credentials } from '@grpc/grpc-js'
import type { CoordinatorMessage__Output } from '../../src/shared/rpc/gen/grpcapi/CoordinatorMessage.ts'
import { CoordinatorService, WorkerService } from '../../src/shared/rpc/load.ts'
import { waitFor } from '../support/wait.ts'
import recorded from './fixtures/messages-0.1.0.json' with { type: 'json' }
import { addressOf, createStand } from './stand.ts'

/** Messages as the first version wrote them. They stay as they are: later versions are to understand them. */
const { messages } = recorded

interface Method {
  requestSerialize(value: object): Buffer
  requestDeserialize(bytes: Buffer): object
  responseSerialize(value: object): Buffer
  responseDeserialize(bytes: Buffer): object
}
const services = {
  CoordinatorService: CoordinatorService.service,
  WorkerService: WorkerService.service,
} as unknown as Record<string, Record<string, Method>>

const methodOf = ({ service, method }: { service: string; method: string }) =>
  services[service]?.[method] as Method
const bytesOf = (name: string) =>
  Buffer.from(messages.find((message) => message.name === name)?.bytes ?? '', 'base64')

function parse(message: (typeof messages)[number], bytes: Buffer): object {
  const method = methodOf(message)
  return message.side === 'request' ? method.requestDeserialize(bytes) : method.responseDeserialize(bytes)
}

/** Field 4000 with three bytes, and field 4001 with a number: nothing that is known today. */
const FUTURE = Buffer.from([0x82, 0xfa, 0x01, 0x03, 1, 2, 3, 0x88, 0xfa, 0x01, 0x2a])

describe.each(messages.map((message) => [message.name, message] as const))(
  '%s, as 0.1.0 wrote it',
  (_, message) => {
    const bytes = Buffer.from(message.bytes, 'base64')

    test('is read as it was meant', () => {
      expect(parse(message, bytes)).toMatchObject(message.value)
    })

    test('is read the same when a later version has added fields', () => {
      expect(parse(message, Buffer.concat([bytes, FUTURE]))).toEqual(parse(message, bytes))
    })

    test('is what today writes, as far as it goes: an old reader understands it', () => {
      const method = methodOf(message)
      const written =
        message.side === 'request'
          ? method.requestSerialize(message.value)
          : method.responseSerialize(message.value)
      expect(written.toString('base64')).toBe(message.bytes)
    })
  },
)

test('a worker of 0.1.0 is welcomed, given a task, and believed', async () => {
  const stand = await createStand()
  const client = new Client(addressOf(await stand.coordinator()), credentials.createInsecure())
  const method = services.CoordinatorService?.Work as Method
  const heard: CoordinatorMessage__Output[] = []
  const stream = client.makeBidiStreamRequest(
    '/grpcapi.CoordinatorService/Work',
    (bytes: Buffer) => bytes,
    (bytes) => method.responseDeserialize(bytes) as CoordinatorMessage__Output,
  )
  stream.on('data', (message: CoordinatorMessage__Output) => heard.push(message))
  stream.on('error', () => {})
  const hears = (what: keyof CoordinatorMessage__Output) =>
    waitFor(() => heard.find((message) => message[what])?.[what], { what })

  stream.write(bytesOf('hello'))
  await hears('welcome')
  // What it says that it holds is not in the table.
  expect(heard[0]?.welcome?.revoked).toMatchObject([{ attempt: 3 }])
  const [id = ''] = await stand.submit(1, 0)
  await hears('tasks')
  const reports = method.requestSerialize({
    reports: {
      sequence: 1,
      items: [{ task_id: id, attempt: 1, kind: 'COMPLETED', slot: 1, started_ago_ms: 5, ended_ago_ms: 1 }],
    },
  })
  stream.write(reports)
  await hears('ack')
  expect(await stand.task(id)).toMatchObject({ state: 'completed', attempt: 1, slot: 1 })
  stream.write(bytesOf('heartbeat'))
  await hears('beat')
  stream.end()
  client.close()
})
