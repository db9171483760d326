// Original file: proto/control.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { HealthRequest as _taskmaster_HealthRequest, HealthRequest__Output as _taskmaster_HealthRequest__Output } from '../taskmaster/HealthRequest.ts';
import type { HealthResponse as _taskmaster_HealthResponse, HealthResponse__Output as _taskmaster_HealthResponse__Output } from '../taskmaster/HealthResponse.ts';

export interface ControlClient extends grpc.Client {
  GetHealth(argument: _taskmaster_HealthRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_taskmaster_HealthResponse__Output>): grpc.ClientUnaryCall;
  GetHealth(argument: _taskmaster_HealthRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_taskmaster_HealthResponse__Output>): grpc.ClientUnaryCall;
  GetHealth(argument: _taskmaster_HealthRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_taskmaster_HealthResponse__Output>): grpc.ClientUnaryCall;
  GetHealth(argument: _taskmaster_HealthRequest, callback: grpc.requestCallback<_taskmaster_HealthResponse__Output>): grpc.ClientUnaryCall;
  getHealth(argument: _taskmaster_HealthRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_taskmaster_HealthResponse__Output>): grpc.ClientUnaryCall;
  getHealth(argument: _taskmaster_HealthRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_taskmaster_HealthResponse__Output>): grpc.ClientUnaryCall;
  getHealth(argument: _taskmaster_HealthRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_taskmaster_HealthResponse__Output>): grpc.ClientUnaryCall;
  getHealth(argument: _taskmaster_HealthRequest, callback: grpc.requestCallback<_taskmaster_HealthResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface ControlHandlers extends grpc.UntypedServiceImplementation {
  GetHealth: grpc.handleUnaryCall<_taskmaster_HealthRequest__Output, _taskmaster_HealthResponse>;
  
}

export interface ControlDefinition extends grpc.ServiceDefinition {
  GetHealth: MethodDefinition<_taskmaster_HealthRequest, _taskmaster_HealthResponse, _taskmaster_HealthRequest__Output, _taskmaster_HealthResponse__Output>
}
