import { open } from 'node:fs/promises'

const CHUNK = 1 << 20

interface Start {
  taskId: string
  /** Epoch ms. */
  at: number
}

export interface Starts {
  /** Those that were written since the last call. */
  read(): Promise<Start[]>
}

/** Follows the file in which executors note when tasks start (see SIMULATE_HISTORY), without reading it twice. */
export function followStarts(historyFile: string): Starts {
  let offset = 0
  let rest = ''
  return {
    async read() {
      const file = await open(historyFile).catch(() => null)
      if (!file) return []
      const starts: Start[] = []
      const decoder = new TextDecoder()
      try {
        for (;;) {
          const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK), 0, CHUNK, offset)
          if (bytesRead === 0) break
          offset += bytesRead
          const lines = (rest + decoder.decode(buffer.subarray(0, bytesRead), { stream: true })).split('\n')
          rest = lines.pop() ?? ''
          for (const line of lines) {
            if (!line.includes('"start"')) continue
            const { task_id: taskId, at } = JSON.parse(line) as { task_id: string; at: number }
            starts.push({ taskId, at })
          }
        }
      } finally {
        await file.close()
      }
      return starts
    },
  }
}
