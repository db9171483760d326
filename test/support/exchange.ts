import { connect } from 'node:net'

export interface RawAnswer {
  /** 0 when nothing was answered. */
  status: number
  /** Its head, as it came. */
  head: string
  body: string
}

/**
 * Sends bytes as they stand and reads until the server closes the connection, or for so many ms.
 *
 * @param url of the server; its path does not matter
 */
export async function exchange(
  url: string,
  request: string | Uint8Array,
  limitMs = 5000,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  const chunks: Buffer[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const socket = connect(Number(port), hostname, () => socket.write(request))
  socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)))
  socket.on('error', () => resolve())
  socket.on('close', () => resolve())
  const timer = setTimeout(resolve, limitMs)
  await promise
  clearTimeout(timer)
  socket.destroy()
  const text = Buffer.concat(chunks).toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  const head = end < 0 ? text : text.slice(0, end)
  return {
    status: Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1] ?? 0),
    head,
    body: end < 0 ? '' : text.slice(end + 4),
  }
}
