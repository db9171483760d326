import type { Schedule } from '../api.ts'

const GLYPHS = { active: '●', paused: '‖', ended: '■' }

/** How a schedule stands: a sign and the word. */
export function ScheduleMark(props: { state: Schedule['state'] }) {
  return (
    <span class={`schedule-mark schedule-${props.state}`}>
      <span aria-hidden="true">{GLYPHS[props.state]}</span> {props.state}
    </span>
  )
}
