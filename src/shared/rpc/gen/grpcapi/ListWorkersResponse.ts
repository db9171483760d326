// Original file: proto/taskmaster.proto

import type { WorkerMeta as _grpcapi_WorkerMeta, WorkerMeta__Output as _grpcapi_WorkerMeta__Output } from '../grpcapi/WorkerMeta.ts';

export interface ListWorkersResponse {
  'workers'?: (_grpcapi_WorkerMeta)[];
}

export interface ListWorkersResponse__Output {
  'workers': (_grpcapi_WorkerMeta__Output)[];
}
