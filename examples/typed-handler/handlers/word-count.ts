import { defineTask, type TaskInput, type TaskResult, Unretryable } from 'taskmaster/task'
import { z } from 'zod'

/** Counts the words of some texts, and says how far it is. */
export const wordCount = defineTask({
  name: 'word-count',
  input: z.object({
    texts: z.array(z.string()).min(1),
    pauseMs: z.number().int().min(0).default(0),
  }),
  retries: 3,
  timeoutMs: 60_000,
  async run(ctx, { texts, pauseMs }) {
    let words = 0
    for (const [index, text] of texts.entries()) {
      // Cancelled, or out of time: whatever waits should stop.
      ctx.signal.throwIfAborted()
      if (text.includes('\0')) throw new Unretryable(`text ${index} is no text`)
      words += text.split(/\s+/).filter(Boolean).length
      ctx.log(`text ${index + 1} of ${texts.length}: ${words} words so far`)
      ctx.progress((index + 1) / texts.length)
      await Bun.sleep(pauseMs)
    }
    return { words, attempt: ctx.attempt }
  },
})

/** What a submitter gives, and what comes of it. */
export type WordCountInput = TaskInput<typeof wordCount>
export type WordCountResult = TaskResult<typeof wordCount>
