import { type Accessor, createSignal, onCleanup, onMount } from 'solid-js'

/** Room around the window in which something counts as seen, so that it is right before it comes into view. */
const MARGIN = '200px'

/** Whether an element is in view, or nearly: what nobody can see need not be drawn. */
export function createSeen(element: () => Element): Accessor<boolean> {
  const [isSeen, setSeen] = createSignal(true)
  onMount(() => {
    const observer = new IntersectionObserver((entries) => setSeen(entries.at(-1)!.isIntersecting), {
      rootMargin: MARGIN,
    })
    observer.observe(element())
    onCleanup(() => observer.disconnect())
  })
  return isSeen
}
