// Original file: proto/taskmaster.proto

export const TaskStatus = {
  QUEUED: 'QUEUED',
  STARTED: 'STARTED',
  COMPLETE: 'COMPLETE',
  FAILED: 'FAILED',
} as const;

export type TaskStatus =
  | 'QUEUED'
  | 0
  | 'STARTED'
  | 1
  | 'COMPLETE'
  | 2
  | 'FAILED'
  | 3

export type TaskStatus__Output = typeof TaskStatus[keyof typeof TaskStatus]
