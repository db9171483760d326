import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { ControlClient as _taskmaster_ControlClient, ControlDefinition as _taskmaster_ControlDefinition } from './taskmaster/Control.ts';
import type { ExpressAnswer as _taskmaster_ExpressAnswer, ExpressAnswer__Output as _taskmaster_ExpressAnswer__Output } from './taskmaster/ExpressAnswer.ts';
import type { ExpressTask as _taskmaster_ExpressTask, ExpressTask__Output as _taskmaster_ExpressTask__Output } from './taskmaster/ExpressTask.ts';
import type { ExpressTasks as _taskmaster_ExpressTasks, ExpressTasks__Output as _taskmaster_ExpressTasks__Output } from './taskmaster/ExpressTasks.ts';
import type { HealthRequest as _taskmaster_HealthRequest, HealthRequest__Output as _taskmaster_HealthRequest__Output } from './taskmaster/HealthRequest.ts';
import type { HealthResponse as _taskmaster_HealthResponse, HealthResponse__Output as _taskmaster_HealthResponse__Output } from './taskmaster/HealthResponse.ts';
import type { Trouble as _taskmaster_Trouble, Trouble__Output as _taskmaster_Trouble__Output } from './taskmaster/Trouble.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  taskmaster: {
    Control: SubtypeConstructor<typeof grpc.Client, _taskmaster_ControlClient> & { service: _taskmaster_ControlDefinition }
    ExpressAnswer: MessageTypeDefinition<_taskmaster_ExpressAnswer, _taskmaster_ExpressAnswer__Output>
    ExpressTask: MessageTypeDefinition<_taskmaster_ExpressTask, _taskmaster_ExpressTask__Output>
    ExpressTasks: MessageTypeDefinition<_taskmaster_ExpressTasks, _taskmaster_ExpressTasks__Output>
    HealthRequest: MessageTypeDefinition<_taskmaster_HealthRequest, _taskmaster_HealthRequest__Output>
    HealthResponse: MessageTypeDefinition<_taskmaster_HealthResponse, _taskmaster_HealthResponse__Output>
    Trouble: MessageTypeDefinition<_taskmaster_Trouble, _taskmaster_Trouble__Output>
  }
}

