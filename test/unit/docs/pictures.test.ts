import { expect, test } from 'bun:test'
import { inflateSync } from 'node:zlib'
import { encodePng } from '../../../docs/screenshots/png.ts'
import { encodeAnimation } from '../../../docs/screenshots/webp.ts'

test('a PNG holds its pixels row by row, its palette, and sums that are right', () => {
  const png = encodePng({
    width: 3,
    height: 2,
    palette: Uint8Array.from([0, 0, 0, 255, 0, 0]),
    pixels: Uint8Array.from([0, 1, 0, 1, 1, 0]),
  })
  const chunks = new Map<string, Buffer>()
  for (let at = 8; at < png.length; ) {
    const size = png.readUInt32BE(at)
    const type = png.toString('latin1', at + 4, at + 8)
    expect(png.readUInt32BE(at + 8 + size)).toBe(Bun.hash.crc32(png.subarray(at + 4, at + 8 + size)))
    chunks.set(type, png.subarray(at + 8, at + 8 + size))
    at += 12 + size
  }
  expect([...chunks.keys()]).toEqual(['IHDR', 'PLTE', 'IDAT', 'IEND'])
  expect([...inflateSync(chunks.get('IDAT') as Buffer)]).toEqual([0, 0, 1, 0, 0, 1, 1, 0])
})

test('an animation holds the picture of each frame, where it lies and for how long', () => {
  const file = (type: string, ...rest: number[]) =>
    Buffer.concat([
      Buffer.from('RIFF....WEBP'),
      Buffer.from(type),
      Buffer.from([rest.length, 0, 0, 0, ...rest]),
    ])
  const webp = encodeAnimation(640, 400, [
    { x: 10, y: 20, width: 100, height: 50, webp: file('VP8 ', 1, 2), ms: 250 },
  ])
  expect(webp.readUInt32LE(4)).toBe(webp.length - 8)
  const frame = webp.indexOf('ANMF') + 8
  const read = (at: number) => webp.readUIntLE(frame + at, 3)
  expect([read(0), read(3), read(6), read(9), read(12)]).toEqual([5, 10, 99, 49, 250])
  expect(webp.toString('latin1', frame + 16, frame + 20)).toBe('VP8 ')
  expect([...webp.subarray(frame + 24, frame + 26)]).toEqual([1, 2])
})
