import { A, useLocation, useNavigate } from '@solidjs/router'
import { createEffect, ErrorBoundary, type JSX, on, onCleanup, onMount, Show } from 'solid-js'
import { useDialogs } from '../dialogs.ts'
import { listenToKeys } from '../keyboard.ts'
import { reasonOf } from '../reason.ts'
import { theme, turnTheme } from '../theme.ts'
import { Empty } from './Empty.tsx'
import { HelpDialog } from './HelpDialog.tsx'
import { KillDialog } from './KillDialog.tsx'
import { FreshnessMark, TroubleBanner } from './Standing.tsx'
import { Toasts } from './Toasts.tsx'

/** What every page stands in. */
export function Layout(props: { children?: JSX.Element }) {
  const navigate = useNavigate()
  const location = useLocation()
  const dialogs = useDialogs()
  let search!: HTMLInputElement

  onMount(() => {
    onCleanup(
      listenToKeys({
        go: (path) => navigate(path),
        search: () => search.focus(),
        help: () => dialogs.open('help'),
      }),
    )
  })

  function find(event: SubmitEvent) {
    event.preventDefault()
    navigate(search.value.trim() ? `/tasks?q=${encodeURIComponent(search.value.trim())}` : '/tasks')
    search.value = ''
  }

  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="top">
        <A href="/" class="brand" aria-label="TaskMaster, overview">
          <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
            <path d="M5 9h13" />
            <path d="M12 16h15" />
            <path d="M5 23h6" class="brand-wait" />
            <path d="M16 23h6" />
          </svg>
          TaskMaster
        </A>
        <nav aria-label="Pages">
          <A href="/" end>
            Overview
          </A>
          <A href="/tasks">Tasks</A>
          <A href="/workflows">Workflows</A>
          <A href="/schedule">Schedule</A>
          <A href="/schedules">Recurring</A>
          <A href="/queues">Queues</A>
          <A href="/activity">Activity</A>
        </nav>
        <form class="search" role="search" onSubmit={find}>
          <input
            ref={search}
            type="search"
            aria-label="Search tasks"
            placeholder="Search, or state:failed worker:…"
          />
          <kbd>/</kbd>
        </form>
        <div class="top-end">
          <FreshnessMark />
          <button
            type="button"
            class="quiet"
            aria-label={`Theme: ${theme()}. Change it`}
            title={`Theme: ${theme()}`}
            onClick={turnTheme}
          >
            <ThemeMark />
          </button>
          <button type="button" class="quiet" aria-label="Keyboard help" onClick={() => dialogs.open('help')}>
            ?
          </button>
        </div>
      </header>
      <TroubleBanner />
      <main id="content" tabindex="-1" data-page={location.pathname}>
        <ErrorBoundary fallback={(error, reset) => <Broken error={error} reset={reset} />}>
          {props.children}
        </ErrorBoundary>
      </main>
      <Show when={dialogs.name() === 'help'}>
        <HelpDialog onClose={dialogs.close} />
      </Show>
      <Show when={dialogs.name() === 'kill' && dialogs.worker()}>
        {(worker) => <KillDialog worker={worker()} onClose={dialogs.close} />}
      </Show>
      <Toasts />
    </>
  )
}

/** A page whose script did not come, or that failed; another page is tried anew. */
function Broken(props: { error: unknown; reset: () => void }) {
  const location = useLocation()
  createEffect(on(() => location.pathname, props.reset, { defer: true }))
  return (
    <Empty level="h1" title="This page could not be shown" text={reasonOf(props.error)}>
      <button type="button" class="primary" onClick={() => window.location.reload()}>
        Reload
      </button>
    </Empty>
  )
}

function ThemeMark() {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" class="icon" aria-hidden="true">
      <Show
        when={theme() === 'system'}
        fallback={
          <Show when={theme() === 'dark'} fallback={<Sun />}>
            <path d="M13.5 9.7A6 6 0 0 1 6.3 2.5a6 6 0 1 0 7.2 7.2z" />
          </Show>
        }
      >
        <circle cx="8" cy="8" r="5.5" />
        <path d="M8 2.5a5.5 5.5 0 0 1 0 11z" class="solid" />
      </Show>
    </svg>
  )
}

function Sun() {
  return (
    <>
      <circle cx="8" cy="8" r="3" />
      <path d="M8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3 3l1.2 1.2M11.8 11.8 13 13M13 3l-1.2 1.2M4.2 11.8 3 13" />
    </>
  )
}
