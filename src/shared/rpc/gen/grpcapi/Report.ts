// Original file: proto/taskmaster.proto


// Original file: proto/taskmaster.proto

export const _grpcapi_Report_Kind = {
  STARTED: 'STARTED',
  COMPLETED: 'COMPLETED',
  FAILED: 'FAILED',
  RETURNED: 'RETURNED',
  CANCELLED: 'CANCELLED',
} as const;

export type _grpcapi_Report_Kind =
  | 'STARTED'
  | 0
  | 'COMPLETED'
  | 1
  | 'FAILED'
  | 2
  | 'RETURNED'
  | 3
  | 'CANCELLED'
  | 4

export type _grpcapi_Report_Kind__Output = typeof _grpcapi_Report_Kind[keyof typeof _grpcapi_Report_Kind]

export interface Report {
  'task_id'?: (string);
  'attempt'?: (number);
  'kind'?: (_grpcapi_Report_Kind);
  'slot'?: (number);
  'started_ago_ms'?: (number | string);
  'ended_ago_ms'?: (number | string);
  'error'?: (string);
  'output'?: (string);
  'result'?: (string);
  'error_stack'?: (string);
  'final'?: (boolean);
}

export interface Report__Output {
  'task_id': (string);
  'attempt': (number);
  'kind': (_grpcapi_Report_Kind__Output);
  'slot': (number);
  'started_ago_ms': (number);
  'ended_ago_ms': (number);
  'error': (string);
  'output': (string);
  'result': (string);
  'error_stack': (string);
  'final': (boolean);
}
