import { Command } from 'commander'
import { AppError } from '../shared/core/error.ts'
import { type Api, type EventView, reach } from './api.ts'
import { type CommonOptions, finishRemoteCommand, print, printJson } from './command.ts'
import { createSseReader } from './sse.ts'
import { formatTime } from './times.ts'

interface LogsOptions extends CommonOptions {
  follow?: true
}

const RECONNECT_MS = 1000

export function logsCommand(): Command {
  const command = new Command('logs')
    .description('show what happened lately')
    .option('--follow', 'and what happens from now on')
    .addHelpText(
      'after',
      '\nExamples:\n  $ bun run taskmaster logs\n  $ bun run taskmaster logs --follow --json',
    )
  return finishRemoteCommand<[], LogsOptions>(command, async (api, { json, follow: isFollowing }) => {
    const show = (event: EventView) => print(json ? JSON.stringify(event) : renderEvent(event))
    if (isFollowing) return await follow(api, show)
    const events = await api.get<EventView[]>('/api/logs')
    if (json) printJson(events)
    else for (const event of events) show(event)
  })
}

/** Goes on until the process is stopped; resumes where it was when the scheduler was away for a while. */
async function follow(api: Api, show: (event: EventView) => void): Promise<void> {
  let lastId = ''
  const read = createSseReader(({ id, data }) => {
    lastId = id
    show(JSON.parse(data))
  })
  for (let isFirst = true; ; isFirst = false) {
    try {
      await readStream(api, lastId, read)
    } catch (error) {
      if (isFirst) throw error
    }
    await Bun.sleep(RECONNECT_MS)
  }
}

async function readStream(api: Api, lastId: string, read: (text: string) => void): Promise<void> {
  const endless = new AbortController().signal
  const headers: Record<string, string> = lastId ? { 'Last-Event-ID': lastId } : {}
  const response = await reach(api.url, '/api/logs/stream', { headers, signal: endless })
  if (!response.ok || !response.body) {
    throw new AppError('unavailable', `the scheduler answered with status ${response.status}`)
  }
  const decoder = new TextDecoder()
  for await (const chunk of response.body) read(decoder.decode(chunk, { stream: true }))
}

function renderEvent({ ts, level, msg }: EventView): string {
  return `${formatTime(ts)}  ${level.toUpperCase().padEnd(7)}  ${msg}`
}
