import type { ServerWritableStream } from '@grpc/grpc-js'
import { AppError } from '../shared/core/error.ts'
import { isStorable, UNSTORABLE } from '../shared/core/storable.ts'
import { BAD_PRIORITY, TEXT_LIMITS, taskFields } from '../shared/core/submission.ts'
import { type NewTask, newTask, type Task } from '../shared/core/task.ts'
import { isUuid } from '../shared/core/uuid.ts'
import { hashRequest } from '../shared/idempotency.ts'
import type { Log } from '../shared/log.ts'
import type { TaskRequest__Output } from '../shared/rpc/gen/task/TaskRequest.ts'
import type { TaskServiceHandlers } from '../shared/rpc/gen/task/TaskService.ts'
import type { TaskStatusRequest__Output } from '../shared/rpc/gen/task/TaskStatusRequest.ts'
import type { TaskUpdate } from '../shared/rpc/gen/task/TaskUpdate.ts'
import type { CallLimit } from './call-limit.ts'
import { toStatus } from './status.ts'
import type { TaskWatch } from './task-watch.ts'
import { statusOf, type Unary } from './unary.ts'

/** ms after which a stream of updates ends, whatever its task does: whoever still wants to know asks again. */
const STREAM_MS = 3_600_000

export type FollowedTask = Pick<Task, 'id' | 'state' | 'attempt' | 'error' | 'output'>

export interface TaskServiceOptions {
  log: Log
  unary: Unary
  /** Streams of updates that may be open. */
  limit: CallLimit
  /** Stores it, and answers with the id of the task that it stands for. */
  submit: (task: NewTask) => Promise<string>
  /** The id of the task that was submitted under this key; null: none was. */
  findByKey: (key: string) => Promise<string | null>
  find: (id: string) => Promise<FollowedTask | null>
  watch: TaskWatch
  streamMs?: number
}

/** `task.TaskService`: what clients of another system submit tasks by, and ask how they stand. */
export function createTaskService(options: TaskServiceOptions): TaskServiceHandlers {
  const { log, unary, limit, find, watch, streamMs = STREAM_MS } = options

  async function get({ task_id: given }: TaskStatusRequest__Output): Promise<FollowedTask> {
    if (given === '') throw new AppError('invalid', 'task_id is required')
    checkText('task_id', given, TEXT_LIMITS.idempotencyKey)
    const found = isUuid(given) ? await find(given) : null
    const byKey = found ? null : await options.findByKey(given)
    const task = found ?? (byKey === null ? null : await find(byKey))
    if (!task) throw new AppError('not_found', 'Task not found')
    return task
  }

  function follow(stream: ServerWritableStream<TaskStatusRequest__Output, TaskUpdate>) {
    const leave = limit.enter(stream.getPeer())
    if (!leave) {
      stream.emit('error', toStatus(new AppError('too_many', 'too many streams of updates are open')))
      return
    }
    let forget = () => {}
    let over = false
    const close = () => {
      over = true
      clearTimeout(late)
      forget()
      leave()
    }
    const fail = (error: unknown) => {
      if (!over) stream.emit('error', statusOf(error, log))
    }
    const late = setTimeout(
      () => fail(new AppError('unavailable', `a stream of updates ends after ${streamMs} ms; ask again`)),
      streamMs,
    )
    stream.on('cancelled', close)
    stream.on('close', close)
    stream.on('error', close)
    stream.on('finish', close)

    let told = ''
    const tell = (task: FollowedTask) => {
      const step = `${task.state} ${task.attempt}`
      if (over || step === told) return
      told = step
      stream.write(updateOf(task))
      if (hasEnded(task)) stream.end()
    }
    get(stream.request).then((task) => {
      tell(task)
      if (!over && !hasEnded(task)) forget = watch.add(task.id, tell, fail)
    }, fail)
  }

  return {
    SubmitTask: unary(async (request) => {
      const task_id = await options.submit(taskOf(request))
      return { task_id, success: true, message: 'Task submitted successfully' }
    }),
    GetTaskStatus: unary(async (request: TaskStatusRequest__Output) => updateOf(await get(request))),
    StreamTaskUpdates: follow,
  }
}

const hasEnded = ({ state }: FollowedTask) =>
  state === 'completed' || state === 'failed' || state === 'cancelled'

const updateOf = ({ id, state, attempt, error, output }: FollowedTask) => ({
  task_id: id,
  status: state.toUpperCase(),
  attempt,
  error: error ?? '',
  output: output ?? '',
})

/** @throws `invalid` naming the field that is wrong */
function taskOf({ id, name, description, command, priority }: TaskRequest__Output): NewTask {
  if (command === '') throw new AppError('invalid', 'command is required')
  const texts = { command, name, description }
  for (const [field, text] of Object.entries(texts)) {
    checkText(field, text, TEXT_LIMITS[field as keyof typeof texts])
  }
  checkText('id', id, TEXT_LIMITS.idempotencyKey)
  if (priority < -32_768 || priority > 32_767) throw new AppError('invalid', BAD_PRIORITY)
  const fields = taskFields({ command, name, description, priority })
  return newTask({
    ...fields,
    id: Bun.randomUUIDv7(),
    scheduledAt: new Date(),
    delayMs: 0,
    ...(id !== '' && { idempotencyKey: id, requestHash: hashRequest({ ...fields, at: null }) }),
  })
}

function checkText(field: string, text: string, most: number) {
  if (text.length > most) throw new AppError('invalid', `${field} must be at most ${most} characters`)
  if (!isStorable(text)) throw new AppError('invalid', `${field} ${UNSTORABLE}`)
}
