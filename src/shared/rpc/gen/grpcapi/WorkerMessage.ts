// Original file: proto/taskmaster.proto

import type { Hello as _grpcapi_Hello, Hello__Output as _grpcapi_Hello__Output } from '../grpcapi/Hello.ts';
import type { Heartbeat as _grpcapi_Heartbeat, Heartbeat__Output as _grpcapi_Heartbeat__Output } from '../grpcapi/Heartbeat.ts';
import type { Reports as _grpcapi_Reports, Reports__Output as _grpcapi_Reports__Output } from '../grpcapi/Reports.ts';

export interface WorkerMessage {
  'hello'?: (_grpcapi_Hello | null);
  'heartbeat'?: (_grpcapi_Heartbeat | null);
  'reports'?: (_grpcapi_Reports | null);
  'body'?: "hello"|"heartbeat"|"reports";
}

export interface WorkerMessage__Output {
  'hello'?: (_grpcapi_Hello__Output | null);
  'heartbeat'?: (_grpcapi_Heartbeat__Output | null);
  'reports'?: (_grpcapi_Reports__Output | null);
  'body'?: "hello"|"heartbeat"|"reports";
}
