// Original file: proto/taskmaster.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { TaskRequest as _grpcapi_TaskRequest, TaskRequest__Output as _grpcapi_TaskRequest__Output } from '../grpcapi/TaskRequest.ts';
import type { TaskResponse as _grpcapi_TaskResponse, TaskResponse__Output as _grpcapi_TaskResponse__Output } from '../grpcapi/TaskResponse.ts';

export interface WorkerServiceClient extends grpc.Client {
  SubmitTask(argument: _grpcapi_TaskRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_TaskResponse__Output>): grpc.ClientUnaryCall;
  SubmitTask(argument: _grpcapi_TaskRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_grpcapi_TaskResponse__Output>): grpc.ClientUnaryCall;
  SubmitTask(argument: _grpcapi_TaskRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_TaskResponse__Output>): grpc.ClientUnaryCall;
  SubmitTask(argument: _grpcapi_TaskRequest, callback: grpc.requestCallback<_grpcapi_TaskResponse__Output>): grpc.ClientUnaryCall;
  submitTask(argument: _grpcapi_TaskRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_TaskResponse__Output>): grpc.ClientUnaryCall;
  submitTask(argument: _grpcapi_TaskRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_grpcapi_TaskResponse__Output>): grpc.ClientUnaryCall;
  submitTask(argument: _grpcapi_TaskRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_TaskResponse__Output>): grpc.ClientUnaryCall;
  submitTask(argument: _grpcapi_TaskRequest, callback: grpc.requestCallback<_grpcapi_TaskResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface WorkerServiceHandlers extends grpc.UntypedServiceImplementation {
  SubmitTask: grpc.handleUnaryCall<_grpcapi_TaskRequest__Output, _grpcapi_TaskResponse>;
  
}

export interface WorkerServiceDefinition extends grpc.ServiceDefinition {
  SubmitTask: MethodDefinition<_grpcapi_TaskRequest, _grpcapi_TaskResponse, _grpcapi_TaskRequest__Output, _grpcapi_TaskResponse__Output>
}
