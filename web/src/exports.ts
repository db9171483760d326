import type { Filter } from './filter.ts'

/** Where the scheduler gives everything that matches, as a file. */
export function exportUrl(format: 'csv' | 'ndjson', { state, worker, text }: Filter, sort: string): string {
  const given = { format, ...(state && { state }), ...(worker && { worker }), ...(text && { q: text }), sort }
  return `/api/tasks/export?${new URLSearchParams(given)}`
}
