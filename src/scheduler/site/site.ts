import { stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A file of the built dashboard. */
export interface SiteFile {
  bytes: Uint8Array<ArrayBuffer>
  /** Compressed; null where that would gain nothing. */
  gzip: Uint8Array<ArrayBuffer> | null
  type: string
  etag: string
}

/** The production build of the dashboard. */
export interface Site {
  /** The one page of all client-side routes; null while nothing is built. */
  page(): Promise<SiteFile | null>
  /** By its path in the build, such as `/assets/main-3f2a.js`. */
  file(path: string): Promise<SiteFile | null>
}

const PAGE = '/index.html'
const COMPRESSIBLE = /javascript|json|svg|^text\//
/** Smaller ones fit in a packet as they are. */
const MIN_COMPRESSED = 1000

/**
 * Holds the build in memory, files and all, and reads it again when it was built anew. Only what was in the
 * folder can be asked for, so no path leads out of it.
 */
export function createSite(folder: string): Site {
  let files = new Map<string, SiteFile>()
  let builtAt: number | null = null
  let reading: Promise<void> | null = null

  async function refresh() {
    const at = await stat(join(folder, PAGE)).then(
      ({ mtimeMs }) => mtimeMs,
      () => null,
    )
    if (at === builtAt) return
    reading ??= read(at).finally(() => {
      reading = null
    })
    await reading
  }

  async function read(at: number | null) {
    files = at === null ? new Map() : await readFiles(folder)
    builtAt = at
  }

  async function file(path: string) {
    await refresh()
    return files.get(path) ?? null
  }

  return { page: () => file(PAGE), file }
}

async function readFiles(folder: string): Promise<Map<string, SiteFile>> {
  const paths = await Array.fromAsync(new Bun.Glob('**/*').scan({ cwd: folder }))
  const read = paths.map(async (path): Promise<[string, SiteFile]> => {
    const found = Bun.file(join(folder, path))
    const bytes = await found.bytes()
    const isCompressible = COMPRESSIBLE.test(found.type) && bytes.length >= MIN_COMPRESSED
    const file = { bytes, gzip: isCompressible ? Bun.gzipSync(bytes) : null, type: found.type }
    return [`/${path.replaceAll('\\', '/')}`, { ...file, etag: `"${Bun.hash(bytes).toString(36)}"` }]
  })
  return new Map(await Promise.all(read))
}
