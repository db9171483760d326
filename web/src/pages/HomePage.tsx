import { lazy, Suspense } from 'solid-js'
import { ActivityLog } from '../parts/ActivityLog.tsx'
import { BulkPanel } from '../parts/BulkPanel.tsx'
import { FleetPanel } from '../parts/FleetPanel.tsx'
import { MovedTasks } from '../parts/MovedTasks.tsx'
import { SlotLanes } from '../parts/SlotLanes.tsx'
import { Tiles } from '../parts/Tiles.tsx'
import { useTitle } from '../title.ts'

const PausedQueues = lazy(() => import('../parts/PausedQueues.tsx'))
const Charts = lazy(() => import('../parts/Charts.tsx'))

/** The whole system at a glance, and the means to move it. */
export function HomePage() {
  useTitle(() => 'Overview')
  return (
    <>
      <h1 class="visually-hidden">Overview</h1>
      <Suspense>
        <PausedQueues />
      </Suspense>
      <Tiles />
      <div class="home">
        <SlotLanes />
        <div class="controls">
          <BulkPanel />
          <FleetPanel />
        </div>
        <MovedTasks />
        <Suspense fallback={<section class="panel charts" aria-busy="true" />}>
          <Charts />
        </Suspense>
        <ActivityLog />
      </div>
    </>
  )
}
