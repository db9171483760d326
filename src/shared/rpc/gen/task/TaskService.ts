// Original file: proto/task.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { TaskRequest as _task_TaskRequest, TaskRequest__Output as _task_TaskRequest__Output } from '../task/TaskRequest.ts';
import type { TaskResponse as _task_TaskResponse, TaskResponse__Output as _task_TaskResponse__Output } from '../task/TaskResponse.ts';
import type { TaskStatusRequest as _task_TaskStatusRequest, TaskStatusRequest__Output as _task_TaskStatusRequest__Output } from '../task/TaskStatusRequest.ts';
import type { TaskStatusResponse as _task_TaskStatusResponse, TaskStatusResponse__Output as _task_TaskStatusResponse__Output } from '../task/TaskStatusResponse.ts';
import type { TaskUpdate as _task_TaskUpdate, TaskUpdate__Output as _task_TaskUpdate__Output } from '../task/TaskUpdate.ts';

export interface TaskServiceClient extends grpc.Client {
  GetTaskStatus(argument: _task_TaskStatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_task_TaskStatusResponse__Output>): grpc.ClientUnaryCall;
  GetTaskStatus(argument: _task_TaskStatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_task_TaskStatusResponse__Output>): grpc.ClientUnaryCall;
  GetTaskStatus(argument: _task_TaskStatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_task_TaskStatusResponse__Output>): grpc.ClientUnaryCall;
  GetTaskStatus(argument: _task_TaskStatusRequest, callback: grpc.requestCallback<_task_TaskStatusResponse__Output>): grpc.ClientUnaryCall;
  getTaskStatus(argument: _task_TaskStatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_task_TaskStatusResponse__Output>): grpc.ClientUnaryCall;
  getTaskStatus(argument: _task_TaskStatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_task_TaskStatusResponse__Output>): grpc.ClientUnaryCall;
  getTaskStatus(argument: _task_TaskStatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_task_TaskStatusResponse__Output>): grpc.ClientUnaryCall;
  getTaskStatus(argument: _task_TaskStatusRequest, callback: grpc.requestCallback<_task_TaskStatusResponse__Output>): grpc.ClientUnaryCall;
  
  StreamTaskUpdates(argument: _task_TaskStatusRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_task_TaskUpdate__Output>;
  StreamTaskUpdates(argument: _task_TaskStatusRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_task_TaskUpdate__Output>;
  streamTaskUpdates(argument: _task_TaskStatusRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_task_TaskUpdate__Output>;
  streamTaskUpdates(argument: _task_TaskStatusRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_task_TaskUpdate__Output>;
  
  SubmitTask(argument: _task_TaskRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_task_TaskResponse__Output>): grpc.ClientUnaryCall;
  SubmitTask(argument: _task_TaskRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_task_TaskResponse__Output>): grpc.ClientUnaryCall;
  SubmitTask(argument: _task_TaskRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_task_TaskResponse__Output>): grpc.ClientUnaryCall;
  SubmitTask(argument: _task_TaskRequest, callback: grpc.requestCallback<_task_TaskResponse__Output>): grpc.ClientUnaryCall;
  submitTask(argument: _task_TaskRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_task_TaskResponse__Output>): grpc.ClientUnaryCall;
  submitTask(argument: _task_TaskRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_task_TaskResponse__Output>): grpc.ClientUnaryCall;
  submitTask(argument: _task_TaskRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_task_TaskResponse__Output>): grpc.ClientUnaryCall;
  submitTask(argument: _task_TaskRequest, callback: grpc.requestCallback<_task_TaskResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface TaskServiceHandlers extends grpc.UntypedServiceImplementation {
  GetTaskStatus: grpc.handleUnaryCall<_task_TaskStatusRequest__Output, _task_TaskStatusResponse>;
  
  StreamTaskUpdates: grpc.handleServerStreamingCall<_task_TaskStatusRequest__Output, _task_TaskUpdate>;
  
  SubmitTask: grpc.handleUnaryCall<_task_TaskRequest__Output, _task_TaskResponse>;
  
}

export interface TaskServiceDefinition extends grpc.ServiceDefinition {
  GetTaskStatus: MethodDefinition<_task_TaskStatusRequest, _task_TaskStatusResponse, _task_TaskStatusRequest__Output, _task_TaskStatusResponse__Output>
  StreamTaskUpdates: MethodDefinition<_task_TaskStatusRequest, _task_TaskUpdate, _task_TaskStatusRequest__Output, _task_TaskUpdate__Output>
  SubmitTask: MethodDefinition<_task_TaskRequest, _task_TaskResponse, _task_TaskRequest__Output, _task_TaskResponse__Output>
}
