import { z } from 'zod'
import { PARENT_FAILURES } from '../shared/core/task.ts'
import { isUuid } from '../shared/core/uuid.ts'

/** What a submission may say of the tasks that it depends on. Every message names its field. */

/** Tasks that one may depend on. */
export const MAX_PARENTS = 100

const BAD_LIST = `depends_on must be an array of at most ${MAX_PARENTS} ids of tasks`

export const onParentFailure = z.enum(PARENT_FAILURES, {
  error: `on_parent_failure must be one of: ${PARENT_FAILURES.join(', ')}`,
})

export const dependencyFields = {
  depends_on: z
    .array(z.string(BAD_LIST), BAD_LIST)
    .max(MAX_PARENTS, BAD_LIST)
    .superRefine((ids, context) => {
      const index = ids.findIndex((id) => !isUuid(id))
      if (index >= 0) context.addIssue({ code: 'custom', message: `depends_on[${index}] must be a UUID` })
    })
    .nullish(),
  on_parent_failure: onParentFailure.nullish(),
}

const NOT_FOR_BATCHES = 'depends_on is not for batches of alike tasks; use /api/tasks/batch'

/** For what would not honour them: what is left unsaid would run too early. */
export const noDependencies = {
  depends_on: z
    .custom<null | undefined>((given) => given === undefined || given === null, NOT_FOR_BATCHES)
    .optional(),
}
