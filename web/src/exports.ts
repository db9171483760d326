import { type Filter, toConditions } from './filter.ts'

/** Where the scheduler gives everything that matches, as a file. */
export function exportUrl(format: 'csv' | 'ndjson', filter: Filter, sort: string): string {
  const given = { format, ...toConditions(filter), sort }
  return `/api/tasks/export?${new URLSearchParams(given)}`
}
