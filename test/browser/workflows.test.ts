import { beforeAll, expect, test } from 'bun:test'
import { hasBrowser, openPage } from '../support/browser.ts'
import { createTestDatabase, databaseEnv } from '../support/database.ts'
import { type Launcher, startUp, temporaryFolder } from '../support/up.ts'
import { waitFor } from '../support/wait.ts'

let system: Launcher

beforeAll(async () => {
  if (!hasBrowser) return
  const { settings } = await createTestDatabase()
  system = await startUp(await temporaryFolder(), { ...databaseEnv(settings), TASK_PROCESS_TIME: '20' })
}, 120_000)

async function create(
  name: string,
  tasks: object[],
): Promise<{ workflow_id: string; tasks: Record<string, string> }> {
  const response = await fetch(`${system.url}/api/workflows`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name, tasks }),
  })
  expect(response.status).toBe(200)
  return (await response.json()) as { workflow_id: string; tasks: Record<string, string> }
}

test.skipIf(!hasBrowser)(
  'a workflow is found in the list, drawn, watched to its end and retried by keyboard alone',
  async () => {
    await create('first', [{ key: 'only', command: 'only' }])
    const { workflow_id, tasks } = await create('nightly', [
      { key: 'load', command: 'load', payload: { duration_ms: 1500 } },
      { key: 'left', command: 'left', depends_on: ['load'] },
      { key: 'right', command: 'right', depends_on: ['load'], payload: { failure_rate: 1 } },
      { key: 'join', command: 'join', depends_on: ['left', 'right'] },
    ])
    const { page, faults, close } = await openPage()
    await page.goto(`${system.url}/`)
    await page.getByText('Live', { exact: true }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('w')
    await page.getByRole('heading', { name: 'Workflows', level: 1 }).waitFor()
    const list = page.getByRole('region', { name: 'Workflows' })
    await waitFor(async () => (await list.getByRole('row').count()) === 3, { what: 'two workflows' })
    await list.getByRole('link', { name: 'nightly' }).focus()
    await page.keyboard.press('Enter')

    const graph = page.getByRole('region', { name: 'Graph' })
    await graph.getByRole('link', { name: /^join/ }).waitFor()
    expect(await graph.getByRole('link').count()).toBe(4)
    expect(await graph.locator('path.graph-line').count()).toBe(4)
    // Without a reload, by what is live.
    for (const [key, state] of Object.entries({
      load: 'completed',
      left: 'completed',
      right: 'failed',
      join: 'failed',
    }))
      await graph.getByRole('link', { name: new RegExp(`^${key}\\s*${state}$`) }).waitFor()
    const rows = page.getByRole('region', { name: 'Tasks of the workflow' })
    expect(await rows.getByRole('row', { name: /^join/ }).textContent()).toContain(
      `depends on ${tasks.right}, which failed`,
    )

    await page.getByRole('button', { name: 'Retry what failed' }).focus()
    await page.keyboard.press('Enter')
    await page.getByText('2 tasks set to run again').waitFor()

    await graph.getByRole('link', { name: /^join/ }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Dependencies' }).waitFor()
    expect(page.url()).toEndWith(`/tasks/${tasks.join}`)
    const waitsFor = page.getByRole('list', { name: 'Waits for' })
    expect(await waitsFor.getByRole('link').allInnerTexts()).toEqual(['left', 'right'])
    await page.getByRole('link', { name: 'Its workflow' }).click()
    await page.waitForURL(`**/workflows/${workflow_id}`)
    expect(faults).toEqual([])
    await close()
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'a workflow that waits is cancelled after a question; one that is not there says so',
  async () => {
    const { workflow_id } = await create('later', [
      { key: 'a', command: 'a', delay_seconds: 3600 },
      { key: 'b', command: 'b', depends_on: ['a'] },
    ])
    const { page, close } = await openPage()
    await page.goto(`${system.url}/workflows/${workflow_id}`)
    await page.getByRole('button', { name: 'Cancel', exact: true }).click()
    const dialog = page.getByRole('alertdialog', { name: 'Cancel this workflow?' })
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    await page.getByRole('button', { name: 'Cancel', exact: true }).click()
    await dialog.getByRole('button', { name: 'Cancel workflow' }).click()
    await page.getByText('2 tasks cancelled, or told to stop').waitFor()
    await page.getByText('2 cancelled', { exact: true }).waitFor()

    await page.goto(`${system.url}/workflows/0190b5a2-7c3e-7000-8000-000000000000`)
    await page.getByRole('heading', { name: 'There is no such workflow' }).waitFor()
    await page.getByRole('link', { name: 'See all workflows' }).waitFor()
    await close()
  },
  60_000,
)

test.skipIf(!hasBrowser)(
  'a thousand tasks are listed in parts and not drawn',
  async () => {
    const tasks = Array.from({ length: 1000 }, (_, n) => ({
      ...{ key: `t${n}`, command: 'c', delay_seconds: 3600 },
      depends_on: n === 0 ? [] : [`t${n - 1}`],
    }))
    const { workflow_id } = await create('wide', tasks)
    const { page, close } = await openPage()
    await page.goto(`${system.url}/workflows/${workflow_id}`)
    await page.getByText('1,000 tasks: too many to draw.').waitFor()
    const rows = page.getByRole('region', { name: 'Tasks of the workflow' }).getByRole('row')
    expect(await rows.count()).toBe(101)
    await page.getByRole('button', { name: 'More' }).click()
    expect(await rows.count()).toBe(201)
    await close()
  },
  60_000,
)
