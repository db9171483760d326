import { A, useSearchParams } from '@solidjs/router'
import { useQuery } from '@tanstack/solid-query'
import { For, Show } from 'solid-js'
import { createCommands } from '../command-line.ts'
import { formatInstant, formatUtc, shortId } from '../format.ts'
import { Empty } from '../parts/Empty.tsx'
import { PageFoot } from '../parts/PageFoot.tsx'
import { StateMark } from '../parts/StateMark.tsx'
import { queries } from '../queries.ts'
import { reasonOf } from '../reason.ts'
import { useTitle } from '../title.ts'
import { describeCounts } from '../workflows.ts'

/** All workflows, the newest first. */
export default function WorkflowsPage() {
  const commands = createCommands()
  useTitle(() => 'Workflows')
  const [params, setParams] = useSearchParams<{ after?: string }>()
  const list = useQuery(() => queries.workflows(params.after))
  return (
    <>
      <header class="page-head">
        <h1>Workflows</h1>
      </header>
      <Show
        when={list.data}
        fallback={
          <Show when={list.error} fallback={<p class="soft">Loading …</p>}>
            <Empty title="The workflows cannot be shown" text={reasonOf(list.error)}>
              <button type="button" class="primary" onClick={() => list.refetch()}>
                Try again
              </button>
            </Empty>
          </Show>
        }
      >
        {(page) => (
          <Show
            when={page().workflows.length > 0}
            fallback={
              <Empty
                title="There is no workflow yet"
                text={`Tasks that depend on one another are submitted together: ${commands.command('workflow', 'submit', 'workflow.json')}`}
              >
                <A href="/tasks" class="button primary">
                  See all tasks
                </A>
              </Empty>
            }
          >
            <section class="panel table-panel" aria-label="Workflows" tabindex="0">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col">State</th>
                    <th scope="col">Created</th>
                    <th scope="col">Tasks</th>
                  </tr>
                </thead>
                <tbody>
                  <For each={page().workflows}>
                    {(workflow) => (
                      <tr>
                        <th scope="row">
                          <A href={`/workflows/${workflow.id}`} class="line-link">
                            {workflow.name || shortId(workflow.id)}
                          </A>
                        </th>
                        <td>
                          <StateMark state={workflow.state} />
                        </td>
                        <td>
                          <span title={formatUtc(new Date(workflow.created_at))}>
                            {formatInstant(new Date(workflow.created_at))}
                          </span>
                        </td>
                        <td>{describeCounts(workflow.counts)}</td>
                      </tr>
                    )}
                  </For>
                </tbody>
              </table>
            </section>
            <PageFoot
              isFirst={!params.after}
              next={page().next_cursor}
              go={(after) => setParams({ after })}
            />
          </Show>
        )}
      </Show>
    </>
  )
}
