import { Command } from 'commander'
import { AppError } from '../shared/core/error.ts'
import { createSseReader, type SseMessage } from '../shared/core/sse.ts'
import { type Api, type EventView, type LineView, reach, type TaskView } from './api.ts'
import { type CommonOptions, finishRemoteCommand, printErrorLine, printJson, printLine } from './command.ts'
import { formatTime } from './times.ts'

interface LogsOptions extends CommonOptions {
  follow?: true
}

const RECONNECT_MS = 1000

const EXAMPLES = `
Without a task: what happened to all of them. With a task: what it said, line by line, attempt by attempt.

Examples:
  $ bun run taskmaster logs
  $ bun run taskmaster logs --follow --json
  $ bun run taskmaster logs 0190b5a2-7c3e-7000-8000-000000000000
  $ bun run taskmaster logs 0190b5a2-7c3e-7000-8000-000000000000 --follow   # until it ends; exit code 1 unless completed`

export function logsCommand(): Command {
  const command = new Command('logs')
    .description('show what happened lately, or what a task says')
    .argument('[task]', 'the id that submit printed')
    .option('--follow', 'and what happens from now on')
    .addHelpText('after', EXAMPLES)
  return finishRemoteCommand<[string | undefined], LogsOptions>(command, async (api, options, taskId) => {
    if (taskId !== undefined) return await showTask(api, taskId, options)
    const show = (event: EventView) => printLine(options.json ? JSON.stringify(event) : renderEvent(event))
    if (options.follow) return await followEvents(api, show)
    const events = await api.get<EventView[]>('/api/logs')
    if (options.json) printJson(events)
    else for (const event of events) show(event)
  })
}

/** Goes on until the process is stopped; resumes where it was when the scheduler was away for a while. */
function followEvents(api: Api, show: (event: EventView) => void): Promise<void> {
  return followStream(api, '/api/logs/stream', ({ data }) => {
    show(JSON.parse(data))
    return false
  })
}

async function showTask(api: Api, taskId: string, { json, follow }: LogsOptions): Promise<void> {
  const path = `/api/tasks/${encodeURIComponent(taskId)}/logs`
  const show = (line: LineView) => showLine(line, json === true)
  if (follow) {
    await followLines(api, taskId, show)
    const { state } = await api.get<TaskView>(`/tasks/${encodeURIComponent(taskId)}`)
    if (!json) printErrorLine(`Task ${state}`)
    if (state !== 'completed') process.exitCode = 1
    return
  }
  for (let after: string | null = ''; after !== null; ) {
    const page: { lines: LineView[]; next: string | null } = await api.get(path, {
      after: after || undefined,
    })
    for (const line of page.lines) show(line)
    after = page.next
  }
}

/** Passes on what a task says until it has ended, without gap or repeat whoever is away meanwhile. */
export function followLines(api: Api, taskId: string, onLine: (line: LineView) => void): Promise<void> {
  const path = `/api/tasks/${encodeURIComponent(taskId)}/logs/stream`
  return followStream(api, path, ({ event, data }) => {
    if (event === 'message') onLine(JSON.parse(data))
    return event === 'end'
  })
}

/** A line as a terminal shows it. What it said on standard error goes there. */
function showLine(line: LineView, asJson: boolean): void {
  const put = line.stream === 'stderr' && !asJson ? printErrorLine : printLine
  put(asJson ? JSON.stringify(line) : `${formatTime(line.at)}  ${line.stream.padEnd(6)}  ${line.text}`)
}

/** @param onMessage true: that was the last */
async function followStream(
  api: Api,
  path: string,
  onMessage: (message: SseMessage) => boolean,
): Promise<void> {
  let lastId = ''
  let isOver = false
  let isFirst = true
  while (!isOver) {
    const read = createSseReader((message) => {
      lastId = message.id || lastId
      isOver = onMessage(message) || isOver
    })
    try {
      await readStream(api, path, lastId, (text) => {
        isFirst = false
        read(text)
      })
    } catch (error) {
      // What was refused once would be again.
      if (isFirst || (error instanceof AppError && error.code !== 'unavailable')) throw error
    }
    if (!isOver) await Bun.sleep(RECONNECT_MS)
  }
}

async function readStream(
  api: Api,
  path: string,
  lastId: string,
  read: (text: string) => void,
): Promise<void> {
  const endless = new AbortController().signal
  const headers: Record<string, string> = lastId ? { 'Last-Event-ID': lastId } : {}
  const response = await reach(api.url, path, { headers, signal: endless })
  if (!response.ok || !response.body) throw await refusalOf(response)
  const decoder = new TextDecoder()
  for await (const chunk of response.body) read(decoder.decode(chunk, { stream: true }))
}

async function refusalOf(response: Response): Promise<AppError> {
  const said = (await response.json().catch(() => null)) as { error?: string; code?: string } | null
  const isLost = response.status >= 500 || !said?.error
  return isLost
    ? new AppError('unavailable', `the scheduler answered with status ${response.status}`)
    : new AppError(response.status === 404 ? 'not_found' : 'invalid', said.error as string)
}

function renderEvent({ ts, level, msg }: EventView): string {
  return `${formatTime(ts)}  ${level.toUpperCase().padEnd(7)}  ${msg}`
}
