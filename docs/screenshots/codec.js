// Runs in an empty page: it reads the pictures that the browser took and makes them small.
;(() => {
  const MOST_COLOURS = 256

  async function draw(base64, width) {
    const blob = await (await fetch(`data:image/png;base64,${base64}`)).blob()
    const bitmap = await createImageBitmap(blob)
    const scale = (width ?? bitmap.width) / bitmap.width
    const canvas = new OffscreenCanvas(
      Math.round(bitmap.width * scale),
      2 * Math.round((bitmap.height * scale) / 2),
    )
    const context = canvas.getContext('2d', { alpha: false, willReadFrequently: true })
    context.imageSmoothingQuality = 'high'
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
    return { canvas, context }
  }

  async function toBase64(blob) {
    const bytes = new Uint8Array(await blob.arrayBuffer())
    let text = ''
    for (let at = 0; at < bytes.length; at += 32_768)
      text += String.fromCharCode(...bytes.subarray(at, at + 32_768))
    return btoa(text)
  }

  /** The picture in its most frequent colours, the rest in the nearest of those. */
  window.reduceColours = async (base64) => {
    const { canvas, context } = await draw(base64)
    const { width, height } = canvas
    const words = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer)
    const counts = new Map()
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
    const colours = [...counts].sort((a, b) => b[1] - a[1]).map(([word]) => word)
    const kept = colours.slice(0, MOST_COLOURS)
    const parts = (word) => [word & 255, (word >> 8) & 255, (word >> 16) & 255]
    const palette = kept.map(parts)
    const index = new Map(kept.map((word, at) => [word, at]))
    for (const word of colours.slice(MOST_COLOURS)) {
      const [r, g, b] = parts(word)
      let best = 0
      let least = Number.POSITIVE_INFINITY
      for (let at = 0; at < palette.length; at++) {
        const [pr, pg, pb] = palette[at]
        const distance = 2 * (r - pr) ** 2 + 4 * (g - pg) ** 2 + 3 * (b - pb) ** 2
        if (distance < least) {
          least = distance
          best = at
        }
      }
      index.set(word, best)
    }
    const pixels = await toBase64(new Blob([Uint8Array.from(words, (word) => index.get(word))]))
    return { width, height, palette: palette.flat(), pixels }
  }

  let before = null

  /** The part of a picture that differs from the one before, as WebP; null when nothing does. */
  window.encodeChange = async (base64, width, quality) => {
    const { canvas, context } = await draw(base64, width)
    const now = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer)
    let [left, top, right, bottom] = [canvas.width, canvas.height, -1, -1]
    for (let at = 0; at < now.length; at++) {
      if (before && now[at] === before[at]) continue
      const x = at % canvas.width
      const y = (at - x) / canvas.width
      left = Math.min(left, x)
      right = Math.max(right, x)
      top = Math.min(top, y)
      bottom = Math.max(bottom, y)
    }
    before = now
    if (right < 0) return null
    left -= left % 2
    top -= top % 2
    const part = new OffscreenCanvas(right - left + 1, bottom - top + 1)
    part.getContext('2d', { alpha: false }).drawImage(canvas, -left, -top)
    const webp = await toBase64(await part.convertToBlob({ type: 'image/webp', quality }))
    return {
      x: left,
      y: top,
      width: part.width,
      height: part.height,
      webp,
      all: [canvas.width, canvas.height],
    }
  }
})()
