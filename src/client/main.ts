import type { AnyTask, InputOf, ResultOf } from './definition.ts'
import { asClientError, ClientError } from './errors.ts'
import { createFollowers } from './follow.ts'
import { createHandle, type Handle } from './handle.ts'
import { functionTask, type PlainTask, plainTask, type Submission, type SubmitOptions } from './submission.ts'
import type { FeedEvent } from './update.ts'
import { createWatcher } from './watcher.ts'
import { createWire, type Inputs, type TaskView, type Wire } from './wire.ts'

export type { AnyTask, InputOf, ResultOf } from './definition.ts'
export { ClientError, type ClientErrorCode, TaskCancelled, TaskFailed } from './errors.ts'
export type { AwaitOptions, Handle } from './handle.ts'
export type { PlainTask, SubmitOptions } from './submission.ts'
export type { TaskUpdate } from './update.ts'
export type { TaskDetailView, TaskView } from './wire.ts'

export interface ClientOptions {
  /** The scheduler, such as http://localhost:8081. */
  url: string
  /** Sent with every request. */
  headers?: Record<string, string>
  /** ms for which the scheduler may be away while a task is awaited; default a minute. */
  patienceMs?: number
}

/** Which tasks to list. */
export type TaskQuery = Omit<NonNullable<Inputs['tasks']['list']>, 'cursor' | 'limit'>
/** To which tasks something is to be done. */
export type TaskTarget = Omit<Inputs['tasks']['cancelMany'], 'cursor'>

type InputAndOptions<Task extends AnyTask> =
  undefined extends InputOf<Task>
    ? [input?: InputOf<Task>, options?: SubmitOptions]
    : [input: InputOf<Task>, options?: SubmitOptions]

/** Everything rejects with `ClientError`. */
export interface Client {
  /** Submits a task that is a function, by its definition or by its name and the type of its definition. */
  submit<Task extends AnyTask>(task: Task, ...given: InputAndOptions<Task>): Promise<Handle<ResultOf<Task>>>
  submit<Task extends AnyTask = AnyTask>(
    name: string,
    ...given: InputAndOptions<Task>
  ): Promise<Handle<ResultOf<Task>>>
  /** Submits any task by its command. */
  submit(task: PlainTask): Promise<Handle>
  /** Submits up to 10,000, all or none. */
  submitMany(tasks: PlainTask[]): Promise<Handle[]>
  /** A task that was submitted before, by whomever. */
  task<Result = unknown>(id: string): Handle<Result>
  /** All tasks that match, page by page as they are taken; newest first. */
  tasks(query?: TaskQuery): AsyncIterableIterator<TaskView>
  /** Each does it to all that match; to how many. */
  cancelMany(target: TaskTarget): Promise<number>
  retryMany(target: TaskTarget): Promise<number>
  runNowMany(target: TaskTarget): Promise<number>
  discardMany(target: TaskTarget): Promise<number>
  /** Everything else that the scheduler offers, typed. */
  readonly api: Wire
  /** Ends what is awaited and every subscription. */
  close(): void
}

const PAGE = 200
const PATIENCE_MS = 60_000
const WATCHING = { maxStreams: 4, maxTasks: 100, pauseMs: 1000 }

/** A client of a scheduler, for Bun, Node and browsers. It holds nothing open unless something is awaited. */
export function createClient({ url, headers, patienceMs = PATIENCE_MS }: ClientOptions): Client {
  const wire = createWire(url, headers)
  const closing = new AbortController()
  const watcher = createWatcher<FeedEvent>({
    ...WATCHING,
    subscribe: (task_ids, on) => {
      const { unsubscribe } = wire.tasks.watch.subscribe(
        { task_ids },
        { onData: ({ data }) => on.event(data), onError: on.broken, onComplete: on.broken },
      )
      return unsubscribe
    },
    taskOf: ({ task_id }) => task_id,
  })

  async function call<T>(work: () => Promise<T>): Promise<T> {
    closing.signal.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      throw asClientError(error)
    }
  }

  const get = (task_id: string) => call(() => wire.tasks.get.query({ task_id }))
  const handles = { wire, followers: createFollowers({ watcher, get, patienceMs }), closing: closing.signal }

  const send = ({ scheduled_at, ...task }: Submission) =>
    call(() =>
      scheduled_at ? wire.tasks.schedule.mutate({ ...task, scheduled_at }) : wire.tasks.submit.mutate(task),
    )

  async function submit(task: AnyTask | PlainTask | string, input?: unknown, options: SubmitOptions = {}) {
    const isPlain = typeof task === 'object' && 'command' in task
    const { task_id } = await send(isPlain ? plainTask(task) : functionTask(task, input, options))
    return createHandle(task_id, handles, true)
  }

  const many =
    (action: 'cancelMany' | 'retryMany' | 'runNowMany' | 'discardMany') => async (target: TaskTarget) => {
      let count = 0
      let cursor: string | null = null
      do {
        const input: Inputs['tasks']['cancelMany'] = { ...target, ...(cursor !== null && { cursor }) }
        const done: { count: number; next_cursor: string | null } = await call(() =>
          wire.tasks[action].mutate(input),
        )
        count += done.count
        cursor = done.next_cursor
      } while (cursor !== null)
      return count
    }

  return {
    submit: submit as Client['submit'],
    async submitMany(tasks) {
      const { task_ids } = await call(() => wire.tasks.submitMany.mutate({ tasks: tasks.map(plainTask) }))
      return task_ids.map((id) => createHandle(id, handles, true))
    },
    task: (id) => createHandle(id, handles),
    async *tasks(query = {}) {
      let cursor: string | null = null
      do {
        const input: NonNullable<Inputs['tasks']['list']> = {
          ...query,
          limit: PAGE,
          ...(cursor !== null && { cursor }),
        }
        const page: { tasks: TaskView[]; next_cursor: string | null } = await call(() =>
          wire.tasks.list.query(input),
        )
        yield* page.tasks
        cursor = page.next_cursor
      } while (cursor !== null)
    },
    cancelMany: many('cancelMany'),
    retryMany: many('retryMany'),
    runNowMany: many('runNowMany'),
    discardMany: many('discardMany'),
    api: wire,
    close() {
      closing.abort(new ClientError('closed', 'the client was closed'))
      watcher.close()
    },
  }
}
