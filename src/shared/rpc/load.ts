import { loadPackageDefinition } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import type { ProtoGrpcType as ControlProto } from './gen/control.ts'
import type { ProtoGrpcType as TaskProto } from './gen/task.ts'
import type { ProtoGrpcType } from './gen/taskmaster.ts'

/** The options that the types in gen/ were generated with (script `proto` in package.json). */
const OPTIONS = { longs: Number, enums: String, keepCase: true, defaults: true, oneofs: true }

const load = (name: string) =>
  loadPackageDefinition(loadSync(`${import.meta.dir}/../../../proto/${name}`, OPTIONS))

export const { CoordinatorService, WorkerService } = (load('taskmaster.proto') as unknown as ProtoGrpcType)
  .grpcapi
export const { TaskService } = (load('task.proto') as unknown as TaskProto).task
export const { Control } = (load('control.proto') as unknown as ControlProto).taskmaster

/** Channel settings of every client and server: dead peers are noticed, large batches pass. */
export const CHANNEL_OPTIONS = {
  // Services reach one another directly: a proxy from the environment is for what is outside.
  'grpc.enable_http_proxy': 0,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.max_receive_message_length': 64 * 1024 * 1024,
  'grpc.max_send_message_length': 64 * 1024 * 1024,
} as const
