// Original file: proto/taskmaster.proto

import type { LogLine as _grpcapi_LogLine, LogLine__Output as _grpcapi_LogLine__Output } from '../grpcapi/LogLine.ts';

export interface AttemptLog {
  'task_id'?: (string);
  'attempt'?: (number);
  'lines'?: (_grpcapi_LogLine)[];
}

export interface AttemptLog__Output {
  'task_id': (string);
  'attempt': (number);
  'lines': (_grpcapi_LogLine__Output)[];
}
