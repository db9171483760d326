import { A, useNavigate } from '@solidjs/router'
import { api } from '../api.ts'
import { ScheduleForm } from '../parts/ScheduleForm.tsx'
import { refetchSchedules } from '../schedules.ts'
import { useTitle } from '../title.ts'
import { tellDone } from '../toasts.ts'

/** A new recurring schedule. */
export default function NewSchedulePage() {
  const navigate = useNavigate()
  useTitle(() => 'New schedule')
  return (
    <div class="narrow">
      <header class="page-head">
        <h1>New schedule</h1>
        <A class="button" href="/schedules">
          All schedules
        </A>
      </header>
      <ScheduleForm
        submitName="Create schedule"
        onSave={async (fields) => {
          const made = await api.schedules.create.mutate(fields)
          tellDone(`Schedule ${made.name} created`)
          await refetchSchedules()
          navigate(`/schedules/${made.id}`)
        }}
      />
    </div>
  )
}
