import type { Route } from './route.ts'

/** How the command line is run where the dashboard was opened from. */
export interface CommandLine {
  /** What comes before a command; null: the project's own, which has to be told where the scheduler is. */
  prefix: string | null
  /** Where workers find a coordinator. */
  coordinator: string
}

/** For pages that show commands to copy. */
export const commandLineRoutes: Route[] = [
  {
    method: 'GET',
    path: '/api/command-line',
    handle: (c, { commandLine }) => c.json({ ...commandLine }),
  },
]
