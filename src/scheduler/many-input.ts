import { z } from 'zod'
import { createBreath } from './breath.ts'
import { body, instant, LIMITS, type Place, placeFault, submitInput } from './schemas.ts'

const manyItem = submitInput
  .safeExtend({ scheduled_at: instant.nullish() })
  .refine(({ delay_seconds, scheduled_at }) => !delay_seconds || !scheduled_at, {
    error: 'delay_seconds and scheduled_at must not both be given',
    path: ['delay_seconds'],
  })

const BAD_TASKS = `tasks must be an array of 1 to ${LIMITS.many} tasks`

/** As JSON has it: `tasks[17]`. */
export const placeOfMany = (index: number): Place => ({
  itself: `tasks[${index}]: `,
  whole: `tasks[${index}] `,
  field: `tasks[${index}].`,
})

/** Many tasks that differ. What is wrong with one of them is said with its place, `tasks[17].priority must be …`. */
export const manyInput = manyInputWith(placeOfMany)

/** The same, with another way to say which of them is meant. Others have their turn while it reads. */
export function manyInputWith(placeOf: (index: number) => Place) {
  return body({ tasks: z.array(z.custom<z.input<typeof manyItem>>(), BAD_TASKS) }).transform(
    async ({ tasks }, context) => {
      const fail = (message: string) => {
        context.issues.push({ code: 'custom', message, input: null })
        return z.NEVER
      }
      if (tasks.length < 1 || tasks.length > LIMITS.many) return fail(BAD_TASKS)
      const breathe = createBreath()
      const read: z.output<typeof manyItem>[] = []
      for (const [index, task] of tasks.entries()) {
        const result = manyItem.safeParse(task)
        if (!result.success) return fail(placeFault(result.error, placeOf(index)))
        read.push(result.data)
        await breathe()
      }
      return read
    },
  )
}

export type ManyInput = z.output<typeof manyInput>
