import type { Answered, Ask } from './ask.ts'
import type { SubmissionRecord } from './evidence.ts'
import type { ActionKind } from './mix.ts'

/** How often, and how long apart, something is tried again that applies only once the task has ended. */
const TRIES = 8
const PAUSE_MS = 700
/** Tasks that are discarded by one request. */
const MANY = 8

export interface People {
  /** Does it to the task of that record, as far as it applies, and notes what was answered. */
  act(kind: ActionKind, id: string, record: SubmissionRecord): Promise<void>
}

/** What people do to tasks that were acknowledged. */
export function createPeople(ask: Ask, now: () => number): People {
  let many: { id: string; record: SubmissionRecord }[] = []

  function note(record: SubmissionRecord, what: string, answer: Answered | null, expected: number[]) {
    if (!answer || answer.status === 200 || expected.includes(answer.status)) return
    record.refusals.push(`${what}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }

  /** Tries until the task is in a state in which it applies; the last answer, after all the requests that it took. */
  async function insist(action: string, id: string): Promise<Answered | null> {
    let unanswered = 0
    for (let left = TRIES; ; left--) {
      const answer = await ask(`/api/tasks/${id}/${action}`, {})
      if (answer === null) return null
      if (answer.status !== 409 || left <= 1) return { ...answer, sent: answer.sent + unanswered }
      // A request whose answer was lost may be carried out at any time after those that were answered.
      unanswered += answer.sent - 1
      await Bun.sleep(PAUSE_MS)
    }
  }

  async function discardMany() {
    const some = many
    many = []
    for (const { record } of some) record.discardAsked = true
    const ids = some.map(({ id }) => id)
    const answer = await ask('/api/tasks/discard', { ids })
    for (const { record } of some) {
      note(record, 'discard many', answer, [])
      // Those that have not ended yet are left as they are, and which those were is not said.
      record.discardConfirmed = answer?.body.count === ids.length
    }
  }

  return {
    async act(kind, id, record) {
      switch (kind) {
        case 'cancel': {
          record.cancelAsked = true
          const answer = await ask(`/api/tasks/${id}/cancel`, {})
          record.cancelConfirmed = answer?.body.status === 'cancelled'
          // What has ended meanwhile cannot be cancelled.
          return note(record, 'cancel', answer, [409])
        }
        case 'retry': {
          record.retryAsked = true
          return note(record, 'retry', await insist('retry', id), [409])
        }
        case 'run-now': {
          record.runNowAskedAt = now()
          const answer = await ask(`/api/tasks/${id}/run-now`, {})
          if (answer?.status === 200) record.runNowConfirmedAt = now()
          return note(record, 'run now', answer, [409])
        }
        case 'discard': {
          record.discardAsked = true
          const answer = await insist('discard', id)
          record.discardConfirmed = answer?.status === 200
          // The request whose answer was lost has deleted it.
          return note(record, 'discard', answer, answer && answer.sent > 1 ? [409, 404] : [409])
        }
        case 'discard-many':
          many.push({ id, record })
          return many.length >= MANY ? discardMany() : undefined
      }
    },
  }
}
