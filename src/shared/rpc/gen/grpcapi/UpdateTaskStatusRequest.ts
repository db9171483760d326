// Original file: proto/taskmaster.proto

import type { TaskStatus as _grpcapi_TaskStatus, TaskStatus__Output as _grpcapi_TaskStatus__Output } from '../grpcapi/TaskStatus.ts';
import type { Long } from '@grpc/proto-loader';

export interface UpdateTaskStatusRequest {
  'task_id'?: (string);
  'status'?: (_grpcapi_TaskStatus);
  'started_at'?: (number | string | Long);
  'completed_at'?: (number | string | Long);
  'failed_at'?: (number | string | Long);
  'worker_id'?: (number);
}

export interface UpdateTaskStatusRequest__Output {
  'task_id': (string);
  'status': (_grpcapi_TaskStatus__Output);
  'started_at': (number);
  'completed_at': (number);
  'failed_at': (number);
  'worker_id': (number);
}
