// Original file: proto/taskmaster.proto

import type { Task as _grpcapi_Task, Task__Output as _grpcapi_Task__Output } from '../grpcapi/Task.ts';

export interface Tasks {
  'items'?: (_grpcapi_Task)[];
}

export interface Tasks__Output {
  'items': (_grpcapi_Task__Output)[];
}
