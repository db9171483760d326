import { A } from '@solidjs/router'
import { Empty } from '../parts/Empty.tsx'
import { useTitle } from '../title.ts'

export default function NotFoundPage() {
  useTitle(() => 'Not found')
  return (
    <Empty
      level="h1"
      title="There is no such page"
      text="The address may be mistyped, or the page may have moved."
    >
      <A href="/" class="button primary">
        Go to the overview
      </A>
    </Empty>
  )
}
