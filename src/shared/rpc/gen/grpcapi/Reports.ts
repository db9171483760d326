// Original file: proto/taskmaster.proto

import type { Report as _grpcapi_Report, Report__Output as _grpcapi_Report__Output } from '../grpcapi/Report.ts';
import type { Long } from '@grpc/proto-loader';

export interface Reports {
  'sequence'?: (number | string | Long);
  'items'?: (_grpcapi_Report)[];
}

export interface Reports__Output {
  'sequence': (number);
  'items': (_grpcapi_Report__Output)[];
}
