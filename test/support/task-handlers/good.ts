import { defineTask, Unretryable } from 'taskmaster/task'
import { z } from 'zod'

export const greet = defineTask({
  name: 'greet',
  input: z.object({ name: z.string(), nested: z.object({ ages: z.array(z.number()) }).optional() }),
  async run(ctx, { name }) {
    console.log('hello %s', name)
    console.error('oh')
    ctx.log(ctx.token)
    ctx.progress(0.25)
    return { greeting: `Hello, ${name}`, attempt: ctx.attempt, taskId: ctx.taskId, parents: ctx.parents }
  },
})

export const slow = defineTask({
  name: 'slow',
  async run(ctx) {
    for (let step = 1; ; step++) {
      ctx.signal.throwIfAborted()
      ctx.log(`step ${step}`)
      ctx.progress(step / (step + 100))
      await Bun.sleep(20)
    }
  },
})

export const broken = defineTask({
  name: 'broken',
  run() {
    throw new RangeError('nothing works')
  },
})

export const hopeless = defineTask({
  name: 'hopeless',
  run() {
    throw new Unretryable('never will')
  },
})

export const odd = defineTask({ name: 'odd', run: () => ({ at: 1n }) })

export const busy = defineTask({
  name: 'busy',
  run(ctx) {
    ctx.log('busy')
    for (const until = performance.now() + 60_000; performance.now() < until; );
  },
})
