import { defineTask } from 'taskmaster/task'

/** Takes no time: it returns what it is given, prints it, or does to its thread what it says. */
export const brief = defineTask({
  name: 'brief',
  run(ctx, how: unknown) {
    if (how === 'exit') process.exit(3)
    if (how === 'hang') for (;;);
    if (how === 'fail') throw new Error('no luck')
    if (how === 'print') console.log(`printed by ${ctx.taskId}`)
    return { by: ctx.taskId }
  },
})
