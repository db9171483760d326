import { asClientError, ClientError, TaskCancelled, TaskFailed } from './errors.ts'
import type { Followers } from './follow.ts'
import { isEndState, type TaskUpdate } from './update.ts'
import type { Outputs, TaskDetailView, Wire } from './wire.ts'

export interface AwaitOptions {
  /** ms to wait at most; then it rejects with the code `timeout`. Default: any time. */
  timeoutMs?: number
  /** Rejects with its reason. */
  signal?: AbortSignal
}

/** A task that was submitted. */
export interface Handle<Result = unknown> {
  readonly id: string
  /**
   * Its result, once it has completed.
   *
   * @throws `TaskFailed` or `TaskCancelled` when it ends otherwise, `ClientError` when it cannot be known
   */
  result(options?: AwaitOptions): Promise<Result>
  /** How it stands, then what becomes of it, up to its end. Leaving the loop ends the subscription. */
  updates(options?: Pick<AwaitOptions, 'signal'>): AsyncIterableIterator<TaskUpdate>
  /** The task with all its attempts. */
  get(): Promise<TaskDetailView>
  cancel(): Promise<Outputs['tasks']['cancel']>
  retry(): Promise<Outputs['tasks']['retry']>
  runNow(): Promise<Outputs['tasks']['runNow']>
  /** Deletes it, when it has ended. */
  discard(): Promise<Outputs['tasks']['discard']>
}

export interface HandleOptions {
  wire: Wire
  followers: Followers
  /** Aborted when the client is closed. */
  closing: AbortSignal
}

/** @param isNew whether it was just submitted, so that it need not be asked for first */
export function createHandle<Result>(
  id: string,
  { wire, followers, closing }: HandleOptions,
  isNew = false,
): Handle<Result> {
  const input = { task_id: id }
  const call = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error) => {
      throw asClientError(error)
    })

  async function waitForEnd(signal: AbortSignal): Promise<TaskDetailView> {
    for (let mayHaveEnded = !isNew; ; mayHaveEnded = true) {
      if (mayHaveEnded) {
        const task = await followers.getPatiently(id, signal)
        if (isEndState(task.state)) return task
      }
      for await (const _ of followers.updates(id, signal)) {
        // Only the end counts. One that was retried by hand meanwhile is waited for again.
      }
    }
  }

  return {
    id,
    async result({ timeoutMs, signal } = {}) {
      const limit = new AbortController()
      const signals = [closing, limit.signal, ...(signal ? [signal] : [])]
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              limit.abort(new ClientError('timeout', `Task ${id} has not ended within ${timeoutMs} ms`))
            }, timeoutMs)
      try {
        return resultOf(await waitForEnd(AbortSignal.any(signals))) as Result
      } finally {
        clearTimeout(timer)
      }
    },
    updates: ({ signal } = {}) =>
      followers.updates(id, signal ? AbortSignal.any([closing, signal]) : closing),
    get: () => call(wire.tasks.get.query(input)),
    cancel: () => call(wire.tasks.cancel.mutate(input)),
    retry: () => call(wire.tasks.retry.mutate(input)),
    runNow: () => call(wire.tasks.runNow.mutate(input)),
    discard: () => call(wire.tasks.discard.mutate(input)),
  }
}

/** What a task that has ended came to: its result, or what it printed. */
function resultOf(task: TaskDetailView): unknown {
  if (task.state === 'failed') throw new TaskFailed(task)
  if (task.state === 'cancelled') throw new TaskCancelled(task)
  return task.result ?? task.output
}
