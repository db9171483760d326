import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { Ack as _grpcapi_Ack, Ack__Output as _grpcapi_Ack__Output } from './grpcapi/Ack.ts';
import type { AttemptLog as _grpcapi_AttemptLog, AttemptLog__Output as _grpcapi_AttemptLog__Output } from './grpcapi/AttemptLog.ts';
import type { Beat as _grpcapi_Beat, Beat__Output as _grpcapi_Beat__Output } from './grpcapi/Beat.ts';
import type { ClientTaskRequest as _grpcapi_ClientTaskRequest, ClientTaskRequest__Output as _grpcapi_ClientTaskRequest__Output } from './grpcapi/ClientTaskRequest.ts';
import type { ClientTaskResponse as _grpcapi_ClientTaskResponse, ClientTaskResponse__Output as _grpcapi_ClientTaskResponse__Output } from './grpcapi/ClientTaskResponse.ts';
import type { CoordinatorMessage as _grpcapi_CoordinatorMessage, CoordinatorMessage__Output as _grpcapi_CoordinatorMessage__Output } from './grpcapi/CoordinatorMessage.ts';
import type { CoordinatorServiceClient as _grpcapi_CoordinatorServiceClient, CoordinatorServiceDefinition as _grpcapi_CoordinatorServiceDefinition } from './grpcapi/CoordinatorService.ts';
import type { Heartbeat as _grpcapi_Heartbeat, Heartbeat__Output as _grpcapi_Heartbeat__Output } from './grpcapi/Heartbeat.ts';
import type { HeartbeatRequest as _grpcapi_HeartbeatRequest, HeartbeatRequest__Output as _grpcapi_HeartbeatRequest__Output } from './grpcapi/HeartbeatRequest.ts';
import type { HeartbeatResponse as _grpcapi_HeartbeatResponse, HeartbeatResponse__Output as _grpcapi_HeartbeatResponse__Output } from './grpcapi/HeartbeatResponse.ts';
import type { HeldTask as _grpcapi_HeldTask, HeldTask__Output as _grpcapi_HeldTask__Output } from './grpcapi/HeldTask.ts';
import type { Hello as _grpcapi_Hello, Hello__Output as _grpcapi_Hello__Output } from './grpcapi/Hello.ts';
import type { ListWorkersRequest as _grpcapi_ListWorkersRequest, ListWorkersRequest__Output as _grpcapi_ListWorkersRequest__Output } from './grpcapi/ListWorkersRequest.ts';
import type { ListWorkersResponse as _grpcapi_ListWorkersResponse, ListWorkersResponse__Output as _grpcapi_ListWorkersResponse__Output } from './grpcapi/ListWorkersResponse.ts';
import type { LogLine as _grpcapi_LogLine, LogLine__Output as _grpcapi_LogLine__Output } from './grpcapi/LogLine.ts';
import type { Progress as _grpcapi_Progress, Progress__Output as _grpcapi_Progress__Output } from './grpcapi/Progress.ts';
import type { Report as _grpcapi_Report, Report__Output as _grpcapi_Report__Output } from './grpcapi/Report.ts';
import type { Reports as _grpcapi_Reports, Reports__Output as _grpcapi_Reports__Output } from './grpcapi/Reports.ts';
import type { Task as _grpcapi_Task, Task__Output as _grpcapi_Task__Output } from './grpcapi/Task.ts';
import type { TaskRef as _grpcapi_TaskRef, TaskRef__Output as _grpcapi_TaskRef__Output } from './grpcapi/TaskRef.ts';
import type { TaskRefs as _grpcapi_TaskRefs, TaskRefs__Output as _grpcapi_TaskRefs__Output } from './grpcapi/TaskRefs.ts';
import type { TaskRequest as _grpcapi_TaskRequest, TaskRequest__Output as _grpcapi_TaskRequest__Output } from './grpcapi/TaskRequest.ts';
import type { TaskResponse as _grpcapi_TaskResponse, TaskResponse__Output as _grpcapi_TaskResponse__Output } from './grpcapi/TaskResponse.ts';
import type { Tasks as _grpcapi_Tasks, Tasks__Output as _grpcapi_Tasks__Output } from './grpcapi/Tasks.ts';
import type { UpdateTaskStatusRequest as _grpcapi_UpdateTaskStatusRequest, UpdateTaskStatusRequest__Output as _grpcapi_UpdateTaskStatusRequest__Output } from './grpcapi/UpdateTaskStatusRequest.ts';
import type { UpdateTaskStatusResponse as _grpcapi_UpdateTaskStatusResponse, UpdateTaskStatusResponse__Output as _grpcapi_UpdateTaskStatusResponse__Output } from './grpcapi/UpdateTaskStatusResponse.ts';
import type { Welcome as _grpcapi_Welcome, Welcome__Output as _grpcapi_Welcome__Output } from './grpcapi/Welcome.ts';
import type { WorkerMessage as _grpcapi_WorkerMessage, WorkerMessage__Output as _grpcapi_WorkerMessage__Output } from './grpcapi/WorkerMessage.ts';
import type { WorkerMeta as _grpcapi_WorkerMeta, WorkerMeta__Output as _grpcapi_WorkerMeta__Output } from './grpcapi/WorkerMeta.ts';
import type { WorkerServiceClient as _grpcapi_WorkerServiceClient, WorkerServiceDefinition as _grpcapi_WorkerServiceDefinition } from './grpcapi/WorkerService.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  grpcapi: {
    Ack: MessageTypeDefinition<_grpcapi_Ack, _grpcapi_Ack__Output>
    AttemptLog: MessageTypeDefinition<_grpcapi_AttemptLog, _grpcapi_AttemptLog__Output>
    Beat: MessageTypeDefinition<_grpcapi_Beat, _grpcapi_Beat__Output>
    ClientTaskRequest: MessageTypeDefinition<_grpcapi_ClientTaskRequest, _grpcapi_ClientTaskRequest__Output>
    ClientTaskResponse: MessageTypeDefinition<_grpcapi_ClientTaskResponse, _grpcapi_ClientTaskResponse__Output>
    CoordinatorMessage: MessageTypeDefinition<_grpcapi_CoordinatorMessage, _grpcapi_CoordinatorMessage__Output>
    CoordinatorService: SubtypeConstructor<typeof grpc.Client, _grpcapi_CoordinatorServiceClient> & { service: _grpcapi_CoordinatorServiceDefinition }
    Heartbeat: MessageTypeDefinition<_grpcapi_Heartbeat, _grpcapi_Heartbeat__Output>
    HeartbeatRequest: MessageTypeDefinition<_grpcapi_HeartbeatRequest, _grpcapi_HeartbeatRequest__Output>
    HeartbeatResponse: MessageTypeDefinition<_grpcapi_HeartbeatResponse, _grpcapi_HeartbeatResponse__Output>
    HeldTask: MessageTypeDefinition<_grpcapi_HeldTask, _grpcapi_HeldTask__Output>
    Hello: MessageTypeDefinition<_grpcapi_Hello, _grpcapi_Hello__Output>
    ListWorkersRequest: MessageTypeDefinition<_grpcapi_ListWorkersRequest, _grpcapi_ListWorkersRequest__Output>
    ListWorkersResponse: MessageTypeDefinition<_grpcapi_ListWorkersResponse, _grpcapi_ListWorkersResponse__Output>
    LogLine: MessageTypeDefinition<_grpcapi_LogLine, _grpcapi_LogLine__Output>
    Progress: MessageTypeDefinition<_grpcapi_Progress, _grpcapi_Progress__Output>
    Report: MessageTypeDefinition<_grpcapi_Report, _grpcapi_Report__Output>
    Reports: MessageTypeDefinition<_grpcapi_Reports, _grpcapi_Reports__Output>
    Task: MessageTypeDefinition<_grpcapi_Task, _grpcapi_Task__Output>
    TaskRef: MessageTypeDefinition<_grpcapi_TaskRef, _grpcapi_TaskRef__Output>
    TaskRefs: MessageTypeDefinition<_grpcapi_TaskRefs, _grpcapi_TaskRefs__Output>
    TaskRequest: MessageTypeDefinition<_grpcapi_TaskRequest, _grpcapi_TaskRequest__Output>
    TaskResponse: MessageTypeDefinition<_grpcapi_TaskResponse, _grpcapi_TaskResponse__Output>
    TaskStatus: EnumTypeDefinition
    Tasks: MessageTypeDefinition<_grpcapi_Tasks, _grpcapi_Tasks__Output>
    UpdateTaskStatusRequest: MessageTypeDefinition<_grpcapi_UpdateTaskStatusRequest, _grpcapi_UpdateTaskStatusRequest__Output>
    UpdateTaskStatusResponse: MessageTypeDefinition<_grpcapi_UpdateTaskStatusResponse, _grpcapi_UpdateTaskStatusResponse__Output>
    Welcome: MessageTypeDefinition<_grpcapi_Welcome, _grpcapi_Welcome__Output>
    WorkerMessage: MessageTypeDefinition<_grpcapi_WorkerMessage, _grpcapi_WorkerMessage__Output>
    WorkerMeta: MessageTypeDefinition<_grpcapi_WorkerMeta, _grpcapi_WorkerMeta__Output>
    WorkerService: SubtypeConstructor<typeof grpc.Client, _grpcapi_WorkerServiceClient> & { service: _grpcapi_WorkerServiceDefinition }
  }
}

