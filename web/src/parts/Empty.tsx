import type { JSX } from 'solid-js'

/** Where there is nothing to show: why, and the one thing to do about it. */
export function Empty(props: { title: string; text?: string; children?: JSX.Element; level?: 'h1' | 'h2' }) {
  return (
    <div class="empty">
      {props.level === 'h1' ? <h1>{props.title}</h1> : <h2>{props.title}</h2>}
      {props.text && <p class="soft">{props.text}</p>}
      {props.children}
    </div>
  )
}
