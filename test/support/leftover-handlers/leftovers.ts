import { defineTask, type TaskContext } from 'taskmaster/task'

const SOON_MS = 30

const fail = () => {
  throw new Error('left behind')
}

/** What a handler may leave behind when it returns. */
const KINDS: Record<string, (ctx: TaskContext) => void> = {
  timer: () => void setTimeout(fail, SOON_MS),
  interval: () => void setInterval(fail, SOON_MS).unref(),
  immediate: () => void setTimeout(() => setImmediate(fail), SOON_MS),
  tick: () => void setTimeout(() => process.nextTick(fail), SOON_MS),
  microtask: () => void setTimeout(() => queueMicrotask(fail), SOON_MS),
  rejection: () => void setTimeout(() => void Promise.reject(new Error('left behind')), SOON_MS),
  awaiting: () => void Bun.sleep(SOON_MS).then(fail),
  exit: () => void setTimeout(() => process.exit(3), SOON_MS),
  words: (ctx) =>
    void setInterval(() => {
      ctx.log('left behind')
      console.log('left behind')
      console.error('left behind')
      ctx.progress(0.9)
    }, SOON_MS / 3),
}

export const leave = defineTask({ name: 'leave', run: (ctx, kind: unknown) => KINDS[String(kind)]?.(ctx) })

/** Runs while what was left behind does what it does. */
export const next = defineTask({
  name: 'next',
  async run(ctx) {
    ctx.progress(0.5)
    await Bun.sleep(5 * SOON_MS)
    ctx.log('mine')
    console.log('mine too')
    return 'done'
  },
})

/** Ends by what it did itself, outside of what is waited for. */
export const own = defineTask({
  name: 'own',
  async run(ctx, kind: unknown) {
    ctx.log('before')
    KINDS[String(kind)]?.(ctx)
    await Bun.sleep(10_000)
  },
})
