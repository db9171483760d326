import type { HealthView } from './view.ts'

export interface Herald {
  /** Tells of what began or ended, by how everything is now. */
  look(health: HealthView, nowMs: number): void
}

export interface HeraldOptions {
  began(message: string): void
  ended(message: string): void
}

/** ms that a trouble must last before it is told; a blink is no news. */
const BLINK_MS = 2000

/** Tells each trouble of a part once when it has lasted, and once when it is over. */
export function createHerald({ began, ended }: HeraldOptions): Herald {
  const troubled = new Map<string, { at: number; isTold: boolean }>()

  return {
    look(health, nowMs) {
      const parts = [
        { key: 'database', name: 'The database', ...health.database },
        { key: 'feed', name: 'The feed of live updates', ...health.feed },
        ...health.coordinators.map((coordinator) => ({
          ...coordinator,
          key: coordinator.address,
          name: `The coordinator at ${coordinator.address}`,
        })),
      ]
      for (const { key, state, message } of parts) {
        if (message === null || state === 'unknown') continue
        const trouble = troubled.get(key) ?? { at: nowMs, isTold: false }
        troubled.set(key, trouble)
        if (trouble.isTold || nowMs - trouble.at < BLINK_MS) continue
        trouble.isTold = true
        began(message)
      }
      for (const [key, { at, isTold }] of troubled) {
        const part = parts.find((candidate) => candidate.key === key)
        // What cannot be known now may still be in trouble.
        if (part && part.state !== 'ok') continue
        troubled.delete(key)
        if (!isTold) continue
        const after = `after ${Math.round((nowMs - at) / 1000)} s`
        ended(
          part
            ? `${part.name} is well again, ${after}`
            : `The coordinator at ${key} is gone for good, ${after}`,
        )
      }
    },
  }
}
