// Original file: proto/taskmaster.proto

import type { Report as _grpcapi_Report, Report__Output as _grpcapi_Report__Output } from '../grpcapi/Report.ts';
import type { AttemptLog as _grpcapi_AttemptLog, AttemptLog__Output as _grpcapi_AttemptLog__Output } from '../grpcapi/AttemptLog.ts';
import type { Progress as _grpcapi_Progress, Progress__Output as _grpcapi_Progress__Output } from '../grpcapi/Progress.ts';
import type { Long } from '@grpc/proto-loader';

export interface Reports {
  'sequence'?: (number | string | Long);
  'items'?: (_grpcapi_Report)[];
  'logs'?: (_grpcapi_AttemptLog)[];
  'progress'?: (_grpcapi_Progress)[];
}

export interface Reports__Output {
  'sequence': (number);
  'items': (_grpcapi_Report__Output)[];
  'logs': (_grpcapi_AttemptLog__Output)[];
  'progress': (_grpcapi_Progress__Output)[];
}
