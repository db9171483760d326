// Original file: proto/taskmaster.proto

import type { Welcome as _grpcapi_Welcome, Welcome__Output as _grpcapi_Welcome__Output } from '../grpcapi/Welcome.ts';
import type { Tasks as _grpcapi_Tasks, Tasks__Output as _grpcapi_Tasks__Output } from '../grpcapi/Tasks.ts';
import type { Ack as _grpcapi_Ack, Ack__Output as _grpcapi_Ack__Output } from '../grpcapi/Ack.ts';
import type { TaskRefs as _grpcapi_TaskRefs, TaskRefs__Output as _grpcapi_TaskRefs__Output } from '../grpcapi/TaskRefs.ts';
import type { Beat as _grpcapi_Beat, Beat__Output as _grpcapi_Beat__Output } from '../grpcapi/Beat.ts';

export interface CoordinatorMessage {
  'welcome'?: (_grpcapi_Welcome | null);
  'tasks'?: (_grpcapi_Tasks | null);
  'ack'?: (_grpcapi_Ack | null);
  'cancel'?: (_grpcapi_TaskRefs | null);
  'recall'?: (_grpcapi_TaskRefs | null);
  'beat'?: (_grpcapi_Beat | null);
  'body'?: "welcome"|"tasks"|"ack"|"cancel"|"recall"|"beat";
}

export interface CoordinatorMessage__Output {
  'welcome'?: (_grpcapi_Welcome__Output | null);
  'tasks'?: (_grpcapi_Tasks__Output | null);
  'ack'?: (_grpcapi_Ack__Output | null);
  'cancel'?: (_grpcapi_TaskRefs__Output | null);
  'recall'?: (_grpcapi_TaskRefs__Output | null);
  'beat'?: (_grpcapi_Beat__Output | null);
  'body'?: "welcome"|"tasks"|"ack"|"cancel"|"recall"|"beat";
}
