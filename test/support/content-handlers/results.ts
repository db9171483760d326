import { defineTask } from 'taskmaster/task'

const cyclic: Record<string, unknown> = { name: 'loop' }
cyclic.self = cyclic

/** Results that JSON, or PostgreSQL, does not take as they are. */
const RESULTS: Record<string, unknown> = {
  nul: { a: 'x\0y' },
  surrogate: { a: 'x\ud83dy' },
  deep: JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`),
  large: 'é'.repeat(300_000),
  cyclic,
  nan: { ratio: Number.NaN },
  function: { run: () => 1 },
  bigint: { id: 9007199254740993n },
  absent: { a: 1, b: undefined },
}

export const give = defineTask({
  name: 'give',
  run: (_ctx, input: unknown) => RESULTS[String(input)],
})

export const say = defineTask({
  name: 'say',
  run(ctx) {
    ctx.log('a\0b \ud83d c')
    console.log('d\0e \ude00 f')
    throw new Error('broken\0 \ud83d')
  },
})

export const parents = defineTask({
  name: 'parents',
  run: (ctx) => Object.values(ctx.parents).map(({ result }) => result),
})
