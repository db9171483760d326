// Original file: proto/taskmaster.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ClientTaskRequest as _grpcapi_ClientTaskRequest, ClientTaskRequest__Output as _grpcapi_ClientTaskRequest__Output } from '../grpcapi/ClientTaskRequest.ts';
import type { ClientTaskResponse as _grpcapi_ClientTaskResponse, ClientTaskResponse__Output as _grpcapi_ClientTaskResponse__Output } from '../grpcapi/ClientTaskResponse.ts';
import type { CoordinatorMessage as _grpcapi_CoordinatorMessage, CoordinatorMessage__Output as _grpcapi_CoordinatorMessage__Output } from '../grpcapi/CoordinatorMessage.ts';
import type { HeartbeatRequest as _grpcapi_HeartbeatRequest, HeartbeatRequest__Output as _grpcapi_HeartbeatRequest__Output } from '../grpcapi/HeartbeatRequest.ts';
import type { HeartbeatResponse as _grpcapi_HeartbeatResponse, HeartbeatResponse__Output as _grpcapi_HeartbeatResponse__Output } from '../grpcapi/HeartbeatResponse.ts';
import type { ListWorkersRequest as _grpcapi_ListWorkersRequest, ListWorkersRequest__Output as _grpcapi_ListWorkersRequest__Output } from '../grpcapi/ListWorkersRequest.ts';
import type { ListWorkersResponse as _grpcapi_ListWorkersResponse, ListWorkersResponse__Output as _grpcapi_ListWorkersResponse__Output } from '../grpcapi/ListWorkersResponse.ts';
import type { UpdateTaskStatusRequest as _grpcapi_UpdateTaskStatusRequest, UpdateTaskStatusRequest__Output as _grpcapi_UpdateTaskStatusRequest__Output } from '../grpcapi/UpdateTaskStatusRequest.ts';
import type { UpdateTaskStatusResponse as _grpcapi_UpdateTaskStatusResponse, UpdateTaskStatusResponse__Output as _grpcapi_UpdateTaskStatusResponse__Output } from '../grpcapi/UpdateTaskStatusResponse.ts';
import type { WorkerMessage as _grpcapi_WorkerMessage, WorkerMessage__Output as _grpcapi_WorkerMessage__Output } from '../grpcapi/WorkerMessage.ts';

export interface CoordinatorServiceClient extends grpc.Client {
  ListWorkers(argument: _grpcapi_ListWorkersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_ListWorkersResponse__Output>): grpc.ClientUnaryCall;
  ListWorkers(argument: _grpcapi_ListWorkersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_grpcapi_ListWorkersResponse__Output>): grpc.ClientUnaryCall;
  ListWorkers(argument: _grpcapi_ListWorkersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_ListWorkersResponse__Output>): grpc.ClientUnaryCall;
  ListWorkers(argument: _grpcapi_ListWorkersRequest, callback: grpc.requestCallback<_grpcapi_ListWorkersResponse__Output>): grpc.ClientUnaryCall;
  listWorkers(argument: _grpcapi_ListWorkersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_ListWorkersResponse__Output>): grpc.ClientUnaryCall;
  listWorkers(argument: _grpcapi_ListWorkersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_grpcapi_ListWorkersResponse__Output>): grpc.ClientUnaryCall;
  listWorkers(argument: _grpcapi_ListWorkersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_ListWorkersResponse__Output>): grpc.ClientUnaryCall;
  listWorkers(argument: _grpcapi_ListWorkersRequest, callback: grpc.requestCallback<_grpcapi_ListWorkersResponse__Output>): grpc.ClientUnaryCall;
  
  SendHeartbeat(argument: _grpcapi_HeartbeatRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_HeartbeatResponse__Output>): grpc.ClientUnaryCall;
  SendHeartbeat(argument: _grpcapi_HeartbeatRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_grpcapi_HeartbeatResponse__Output>): grpc.ClientUnaryCall;
  SendHeartbeat(argument: _grpcapi_HeartbeatRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_HeartbeatResponse__Output>): grpc.ClientUnaryCall;
  SendHeartbeat(argument: _grpcapi_HeartbeatRequest, callback: grpc.requestCallback<_grpcapi_HeartbeatResponse__Output>): grpc.ClientUnaryCall;
  sendHeartbeat(argument: _grpcapi_HeartbeatRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_HeartbeatResponse__Output>): grpc.ClientUnaryCall;
  sendHeartbeat(argument: _grpcapi_HeartbeatRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_grpcapi_HeartbeatResponse__Output>): grpc.ClientUnaryCall;
  sendHeartbeat(argument: _grpcapi_HeartbeatRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_HeartbeatResponse__Output>): grpc.ClientUnaryCall;
  sendHeartbeat(argument: _grpcapi_HeartbeatRequest, callback: grpc.requestCallback<_grpcapi_HeartbeatResponse__Output>): grpc.ClientUnaryCall;
  
  SubmitTask(argument: _grpcapi_ClientTaskRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_ClientTaskResponse__Output>): grpc.ClientUnaryCall;
  SubmitTask(argument: _grpcapi_ClientTaskRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_grpcapi_ClientTaskResponse__Output>): grpc.ClientUnaryCall;
  SubmitTask(argument: _grpcapi_ClientTaskRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_ClientTaskResponse__Output>): grpc.ClientUnaryCall;
  SubmitTask(argument: _grpcapi_ClientTaskRequest, callback: grpc.requestCallback<_grpcapi_ClientTaskResponse__Output>): grpc.ClientUnaryCall;
  submitTask(argument: _grpcapi_ClientTaskRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_ClientTaskResponse__Output>): grpc.ClientUnaryCall;
  submitTask(argument: _grpcapi_ClientTaskRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_grpcapi_ClientTaskResponse__Output>): grpc.ClientUnaryCall;
  submitTask(argument: _grpcapi_ClientTaskRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_ClientTaskResponse__Output>): grpc.ClientUnaryCall;
  submitTask(argument: _grpcapi_ClientTaskRequest, callback: grpc.requestCallback<_grpcapi_ClientTaskResponse__Output>): grpc.ClientUnaryCall;
  
  UpdateTaskStatus(argument: _grpcapi_UpdateTaskStatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_UpdateTaskStatusResponse__Output>): grpc.ClientUnaryCall;
  UpdateTaskStatus(argument: _grpcapi_UpdateTaskStatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_grpcapi_UpdateTaskStatusResponse__Output>): grpc.ClientUnaryCall;
  UpdateTaskStatus(argument: _grpcapi_UpdateTaskStatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_UpdateTaskStatusResponse__Output>): grpc.ClientUnaryCall;
  UpdateTaskStatus(argument: _grpcapi_UpdateTaskStatusRequest, callback: grpc.requestCallback<_grpcapi_UpdateTaskStatusResponse__Output>): grpc.ClientUnaryCall;
  updateTaskStatus(argument: _grpcapi_UpdateTaskStatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_UpdateTaskStatusResponse__Output>): grpc.ClientUnaryCall;
  updateTaskStatus(argument: _grpcapi_UpdateTaskStatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_grpcapi_UpdateTaskStatusResponse__Output>): grpc.ClientUnaryCall;
  updateTaskStatus(argument: _grpcapi_UpdateTaskStatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_grpcapi_UpdateTaskStatusResponse__Output>): grpc.ClientUnaryCall;
  updateTaskStatus(argument: _grpcapi_UpdateTaskStatusRequest, callback: grpc.requestCallback<_grpcapi_UpdateTaskStatusResponse__Output>): grpc.ClientUnaryCall;
  
  Work(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_grpcapi_WorkerMessage, _grpcapi_CoordinatorMessage__Output>;
  Work(options?: grpc.CallOptions): grpc.ClientDuplexStream<_grpcapi_WorkerMessage, _grpcapi_CoordinatorMessage__Output>;
  work(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_grpcapi_WorkerMessage, _grpcapi_CoordinatorMessage__Output>;
  work(options?: grpc.CallOptions): grpc.ClientDuplexStream<_grpcapi_WorkerMessage, _grpcapi_CoordinatorMessage__Output>;
  
}

export interface CoordinatorServiceHandlers extends grpc.UntypedServiceImplementation {
  ListWorkers: grpc.handleUnaryCall<_grpcapi_ListWorkersRequest__Output, _grpcapi_ListWorkersResponse>;
  
  SendHeartbeat: grpc.handleUnaryCall<_grpcapi_HeartbeatRequest__Output, _grpcapi_HeartbeatResponse>;
  
  SubmitTask: grpc.handleUnaryCall<_grpcapi_ClientTaskRequest__Output, _grpcapi_ClientTaskResponse>;
  
  UpdateTaskStatus: grpc.handleUnaryCall<_grpcapi_UpdateTaskStatusRequest__Output, _grpcapi_UpdateTaskStatusResponse>;
  
  Work: grpc.handleBidiStreamingCall<_grpcapi_WorkerMessage__Output, _grpcapi_CoordinatorMessage>;
  
}

export interface CoordinatorServiceDefinition extends grpc.ServiceDefinition {
  ListWorkers: MethodDefinition<_grpcapi_ListWorkersRequest, _grpcapi_ListWorkersResponse, _grpcapi_ListWorkersRequest__Output, _grpcapi_ListWorkersResponse__Output>
  SendHeartbeat: MethodDefinition<_grpcapi_HeartbeatRequest, _grpcapi_HeartbeatResponse, _grpcapi_HeartbeatRequest__Output, _grpcapi_HeartbeatResponse__Output>
  SubmitTask: MethodDefinition<_grpcapi_ClientTaskRequest, _grpcapi_ClientTaskResponse, _grpcapi_ClientTaskRequest__Output, _grpcapi_ClientTaskResponse__Output>
  UpdateTaskStatus: MethodDefinition<_grpcapi_UpdateTaskStatusRequest, _grpcapi_UpdateTaskStatusResponse, _grpcapi_UpdateTaskStatusRequest__Output, _grpcapi_UpdateTaskStatusResponse__Output>
  Work: MethodDefinition<_grpcapi_WorkerMessage, _grpcapi_CoordinatorMessage, _grpcapi_WorkerMessage__Output, _grpcapi_CoordinatorMessage__Output>
}
