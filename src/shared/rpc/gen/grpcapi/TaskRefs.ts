// Original file: proto/taskmaster.proto

import type { TaskRef as _grpcapi_TaskRef, TaskRef__Output as _grpcapi_TaskRef__Output } from '../grpcapi/TaskRef.ts';

export interface TaskRefs {
  'items'?: (_grpcapi_TaskRef)[];
}

export interface TaskRefs__Output {
  'items': (_grpcapi_TaskRef__Output)[];
}
