import { Route, Router } from '@solidjs/router'
import { QueryClientProvider } from '@tanstack/solid-query'
import { lazy } from 'solid-js'
import { render } from 'solid-js/web'
import { startLive } from './events.ts'
import { HomePage } from './pages/HomePage.tsx'
import { Layout } from './parts/Layout.tsx'
import { queryClient, refetchAll } from './queries.ts'
import './styles/tokens.css'
import './styles/base.css'
import './styles/layout.css'
import './styles/home.css'
import './styles/lanes.css'
import './styles/controls.css'
import './styles/log.css'
import './styles/tasks.css'
import './styles/schedules.css'
import './styles/workflows.css'
import './styles/adapt.css'

const TasksPage = lazy(() => import('./pages/TasksPage.tsx'))
const TaskPage = lazy(() => import('./pages/TaskPage.tsx'))
const WorkerPage = lazy(() => import('./pages/WorkerPage.tsx'))
const WorkflowsPage = lazy(() => import('./pages/WorkflowsPage.tsx'))
const WorkflowPage = lazy(() => import('./pages/WorkflowPage.tsx'))
const SchedulePage = lazy(() => import('./pages/SchedulePage.tsx'))
const SchedulesPage = lazy(() => import('./pages/SchedulesPage.tsx'))
const NewSchedulePage = lazy(() => import('./pages/NewSchedulePage.tsx'))
const RecurringPage = lazy(() => import('./pages/RecurringPage.tsx'))
const QueuesPage = lazy(() => import('./pages/QueuesPage.tsx'))
const ActivityPage = lazy(() => import('./pages/ActivityPage.tsx'))
const NotFoundPage = lazy(() => import('./pages/NotFoundPage.tsx'))

startLive(refetchAll)

render(
  () => (
    <QueryClientProvider client={queryClient}>
      <Router root={Layout}>
        <Route path="/" component={HomePage} />
        <Route path="/tasks" component={TasksPage} />
        <Route path="/tasks/:id" component={TaskPage} />
        <Route path="/workers/:id" component={WorkerPage} />
        <Route path="/workflows" component={WorkflowsPage} />
        <Route path="/workflows/:id" component={WorkflowPage} />
        <Route path="/schedule" component={SchedulePage} />
        <Route path="/schedules" component={SchedulesPage} />
        <Route path="/schedules/new" component={NewSchedulePage} />
        <Route path="/schedules/:id" component={RecurringPage} />
        <Route path="/queues" component={QueuesPage} />
        <Route path="/activity" component={ActivityPage} />
        <Route path="*" component={NotFoundPage} />
      </Router>
    </QueryClientProvider>
  ),
  document.getElementById('root')!,
)
