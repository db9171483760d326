import { type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http'
import { request as secureRequest } from 'node:https'
import { isIP } from 'node:net'
import { Failure } from '../executor.ts'
import type { Guard } from './addresses.ts'

export interface Asked {
  url: URL
  method: string
  headers: Record<string, string>
  body: string | null
}

export interface Answered {
  status: number
  headers: IncomingMessage['headers']
  body: Buffer
  /** There was more than `maxBytes`. */
  isCut: boolean
}

export interface RequestLimits {
  guard: Guard
  resolve: (host: string) => Promise<string[]>
  maxBytes: number
  signal: AbortSignal
}

/** One request, without redirects, to an address that the guard allows: looked up once, and that one is connected to. */
export async function ask(asked: Asked, limits: RequestLimits): Promise<Answered> {
  const address = await findAddress(asked.url, limits)
  const { url, method, headers, body } = asked
  const send = url.protocol === 'https:' ? secureRequest : plainRequest
  const options: RequestOptions = {
    method,
    headers: {
      'Accept-Encoding': 'identity',
      ...headers,
      // Without it, the body of a method that seldom has one would stand behind the request as if it were the next.
      ...(body !== null && { 'Content-Length': String(Buffer.byteLength(body)) }),
    },
    signal: limits.signal,
    agent: false,
    // Whatever the name leads to by now.
    lookup: ((_host: string, asked: { all?: boolean }, answer: (...given: unknown[]) => void) => {
      const family = isIP(address)
      if (asked.all) answer(null, [{ address, family }])
      else answer(null, address, family)
    }) as NonNullable<RequestOptions['lookup']>,
  }
  return await new Promise((resolve, reject) => {
    const sent = send(url, options, (response) => {
      readBody(response, limits.maxBytes).then(({ body, isCut }) => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body, isCut })
        if (isCut) sent.destroy()
      }, reject)
    })
    sent.on('error', reject)
    sent.end(body ?? undefined)
  })
}

/** The first of the host's addresses; all of them must be allowed. */
async function findAddress({ hostname }: URL, { guard, resolve, signal }: RequestLimits): Promise<string> {
  const host = hostname.replace(/^\[|\]$/g, '')
  const addresses = isIP(host) ? [host] : await resolve(host)
  signal.throwIfAborted()
  const refused = addresses.find((address) => !guard.allows(address))
  if (refused !== undefined) {
    const where = refused === host ? host : `${host} (${refused})`
    throw new Failure(
      `${where} is not a public address; HTTP_ALLOW_PRIVATE says what else workers may reach`,
      true,
    )
  }
  const [address] = addresses
  if (address === undefined) throw new Failure(`${host} has no address`)
  return address
}

async function readBody(
  response: IncomingMessage,
  maxBytes: number,
): Promise<{ body: Buffer; isCut: boolean }> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > maxBytes) return { body: Buffer.concat(chunks).subarray(0, maxBytes), isCut: true }
  }
  return { body: Buffer.concat(chunks), isCut: false }
}
