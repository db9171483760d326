import { defineConfig } from 'vite'
import solid from 'vite-plugin-solid'

/** The scheduler that the development server passes calls on to. */
const SCHEDULER = process.env.SCHEDULER_URL ?? `http://localhost:${process.env.SCHEDULER_PORT ?? '8081'}`
const CALLS = ['/api', '/trpc', '/ws', '/metrics', '/healthz', '/readyz']
/** Pages of what tasks are made by or wait in, and what they are made of. */
const LISTS =
  /src\/(pages\/(Queues|Schedule|NewSchedule|Recurring|Workflow|Activity|Worker|NotFound)|parts\/(PauseDialog|Limits|Schedule|Tick|Ledger|Import|ConfirmDialog)|(queues|schedules|workflows)\.ts)/

export default defineConfig({
  plugins: [solid()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    reportCompressedSize: true,
    rolldownOptions: {
      // Pages that are alike are smaller together, and who opens one of them soon opens another.
      output: {
        codeSplitting: { includeDependenciesRecursively: false, groups: [{ name: 'lists', test: LISTS }] },
      },
    },
  },
  server: {
    port: 5173,
    strictPort: true,
    proxy: Object.fromEntries(CALLS.map((path) => [path, { target: SCHEDULER, ws: path === '/ws' }])),
  },
})
