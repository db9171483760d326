/** What the client needs to know of a task that is a function; what `defineTask` makes is one. */
export interface AnyTask {
  readonly name: string
  readonly input?: Schema | undefined
  readonly retries?: number | undefined
  readonly timeoutMs?: number | undefined
  // biome-ignore lint/suspicious/noExplicitAny: whatever its context and its input are
  run(context: any, input: any): unknown
}

/** A Standard Schema (https://standardschema.dev), as far as its types go. */
interface Schema {
  readonly '~standard': { readonly types?: { readonly input: unknown; readonly output: unknown } | undefined }
}

/** What a task is given when it is submitted: what its schema takes, or without one what its `run` takes. */
export type InputOf<Task extends AnyTask> =
  unknown extends TakenBySchema<Task> ? Parameters<Task['run']>[1] : TakenBySchema<Task>

type TakenBySchema<Task extends AnyTask> =
  NonNullable<NonNullable<Task['input']>['~standard']['types']> extends { readonly input: infer Given }
    ? Given
    : unknown

/** What its `run` returns, as it comes back: as JSON. */
export type ResultOf<Task extends AnyTask> = Awaited<ReturnType<Task['run']>>
