import type { WorkflowPosition } from '../../shared/store/workflows.ts'
import { readCursor, writeCursor } from '../cursor.ts'

/** The opaque text that stands for a place in the list of workflows. */
export const writeWorkflowCursor = ({ createdAt, id }: WorkflowPosition): string =>
  writeCursor({ scheduledAt: createdAt, id })

/** The place that a cursor stands for, or null when it is none of ours. */
export function readWorkflowCursor(cursor: string): WorkflowPosition | null {
  const place = readCursor(cursor)
  return place && { createdAt: place.scheduledAt, id: place.id }
}
