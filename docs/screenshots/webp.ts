export interface Frame {
  /** Where it lies in the picture; x and y are even. */
  x: number
  y: number
  width: number
  height: number
  /** A WebP picture of that part. */
  webp: Uint8Array
  /** ms that it is shown. */
  ms: number
}

/** One animated WebP of pictures that each replace a part of what is there; it begins again after its end. */
export function encodeAnimation(width: number, height: number, frames: Frame[]): Buffer {
  const canvas = Buffer.alloc(10)
  // Animated.
  canvas.writeUInt8(0x02, 0)
  canvas.writeUIntLE(width - 1, 4, 3)
  canvas.writeUIntLE(height - 1, 7, 3)
  const parts = [chunk('VP8X', canvas), chunk('ANIM', Buffer.alloc(6)), ...frames.map(encodeFrame)]
  const body = Buffer.concat([Buffer.from('WEBP', 'latin1'), ...parts])
  return chunk('RIFF', body)
}

function encodeFrame({ x, y, width, height, webp, ms }: Frame): Buffer {
  const head = Buffer.alloc(16)
  head.writeUIntLE(x / 2, 0, 3)
  head.writeUIntLE(y / 2, 3, 3)
  head.writeUIntLE(width - 1, 6, 3)
  head.writeUIntLE(height - 1, 9, 3)
  head.writeUIntLE(Math.round(ms), 12, 3)
  // Not blended with what is below.
  head.writeUInt8(0x02, 15)
  return chunk('ANMF', Buffer.concat([head, pictureOf(webp)]))
}

/** The chunk that holds the picture itself; what a file may say beside it, an opaque picture does not need. */
function pictureOf(webp: Uint8Array): Uint8Array {
  const file = Buffer.from(webp)
  for (let at = 12; at < file.length; ) {
    const size = file.readUInt32LE(at + 4)
    const end = at + 8 + size + (size % 2)
    const type = file.toString('latin1', at, at + 4)
    if (type === 'VP8 ' || type === 'VP8L') return file.subarray(at, end)
    at = end
  }
  throw new Error('there is no picture in it')
}

function chunk(type: string, data: Uint8Array): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(data.length, 0)
  return Buffer.concat([Buffer.from(type, 'latin1'), size, data, Buffer.alloc(data.length % 2)])
}
