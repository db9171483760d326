// Original file: proto/taskmaster.proto

import type { TaskRef as _grpcapi_TaskRef, TaskRef__Output as _grpcapi_TaskRef__Output } from '../grpcapi/TaskRef.ts';

export interface Welcome {
  'revoked'?: (_grpcapi_TaskRef)[];
}

export interface Welcome__Output {
  'revoked': (_grpcapi_TaskRef__Output)[];
}
