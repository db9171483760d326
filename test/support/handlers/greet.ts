import { defineTask } from 'taskmaster/task'
import { z } from 'zod'

/** Greets so many times, unless it is told to fail. */
export const greet = defineTask({
  name: 'greet',
  input: z.object({
    name: z.string().min(1),
    times: z.number().int().default(1),
    fail: z.boolean().optional(),
  }),
  retries: 3,
  timeoutMs: 10_000,
  async run(context, { name, times, fail }) {
    if (fail) throw new Error(`${name} is not greeted`)
    context.progress(0.5)
    return { greetings: Array.from({ length: times }, () => `Hello, ${name}`), attempt: context.attempt }
  },
})
