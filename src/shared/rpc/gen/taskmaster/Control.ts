// Original file: proto/control.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ExpressAnswer as _taskmaster_ExpressAnswer, ExpressAnswer__Output as _taskmaster_ExpressAnswer__Output } from '../taskmaster/ExpressAnswer.ts';
import type { ExpressTasks as _taskmaster_ExpressTasks, ExpressTasks__Output as _taskmaster_ExpressTasks__Output } from '../taskmaster/ExpressTasks.ts';
import type { HealthRequest as _taskmaster_HealthRequest, HealthRequest__Output as _taskmaster_HealthRequest__Output } from '../taskmaster/HealthRequest.ts';
import type { HealthResponse as _taskmaster_HealthResponse, HealthResponse__Output as _taskmaster_HealthResponse__Output } from '../taskmaster/HealthResponse.ts';

export interface ControlClient extends grpc.Client {
  Express(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_taskmaster_ExpressTasks, _taskmaster_ExpressAnswer__Output>;
  Express(options?: grpc.CallOptions): grpc.ClientDuplexStream<_taskmaster_ExpressTasks, _taskmaster_ExpressAnswer__Output>;
  express(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_taskmaster_ExpressTasks, _taskmaster_ExpressAnswer__Output>;
  express(options?: grpc.CallOptions): grpc.ClientDuplexStream<_taskmaster_ExpressTasks, _taskmaster_ExpressAnswer__Output>;
  
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
  Express: grpc.handleBidiStreamingCall<_taskmaster_ExpressTasks__Output, _taskmaster_ExpressAnswer>;
  
  GetHealth: grpc.handleUnaryCall<_taskmaster_HealthRequest__Output, _taskmaster_HealthResponse>;
  
}

export interface ControlDefinition extends grpc.ServiceDefinition {
  Express: MethodDefinition<_taskmaster_ExpressTasks, _taskmaster_ExpressAnswer, _taskmaster_ExpressTasks__Output, _taskmaster_ExpressAnswer__Output>
  GetHealth: MethodDefinition<_taskmaster_HealthRequest, _taskmaster_HealthResponse, _taskmaster_HealthRequest__Output, _taskmaster_HealthResponse__Output>
}
