/** The part of the Standard Schema interface (https://standardschema.dev) that is used here. */
export interface StandardSchema<Given = unknown, Output = Given> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => Validated<Output> | Promise<Validated<Output>>
    readonly types?: { readonly input: Given; readonly output: Output } | undefined
  }
}

export type Validated<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] }

export interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** The first fault, with its place: `input.user.email …`. */
export function describeIssues(issues: readonly Issue[]): string {
  const [issue] = issues
  if (!issue) return 'input is not valid'
  const keys = (issue.path ?? []).map((part) => (typeof part === 'object' ? part.key : part))
  const place = keys.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
  return `input${place}: ${issue.message}`
}
