import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { TaskRequest as _task_TaskRequest, TaskRequest__Output as _task_TaskRequest__Output } from './task/TaskRequest.ts';
import type { TaskResponse as _task_TaskResponse, TaskResponse__Output as _task_TaskResponse__Output } from './task/TaskResponse.ts';
import type { TaskServiceClient as _task_TaskServiceClient, TaskServiceDefinition as _task_TaskServiceDefinition } from './task/TaskService.ts';
import type { TaskStatusRequest as _task_TaskStatusRequest, TaskStatusRequest__Output as _task_TaskStatusRequest__Output } from './task/TaskStatusRequest.ts';
import type { TaskStatusResponse as _task_TaskStatusResponse, TaskStatusResponse__Output as _task_TaskStatusResponse__Output } from './task/TaskStatusResponse.ts';
import type { TaskUpdate as _task_TaskUpdate, TaskUpdate__Output as _task_TaskUpdate__Output } from './task/TaskUpdate.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  task: {
    TaskRequest: MessageTypeDefinition<_task_TaskRequest, _task_TaskRequest__Output>
    TaskResponse: MessageTypeDefinition<_task_TaskResponse, _task_TaskResponse__Output>
    TaskService: SubtypeConstructor<typeof grpc.Client, _task_TaskServiceClient> & { service: _task_TaskServiceDefinition }
    TaskStatusRequest: MessageTypeDefinition<_task_TaskStatusRequest, _task_TaskStatusRequest__Output>
    TaskStatusResponse: MessageTypeDefinition<_task_TaskStatusResponse, _task_TaskStatusResponse__Output>
    TaskUpdate: MessageTypeDefinition<_task_TaskUpdate, _task_TaskUpdate__Output>
  }
}

