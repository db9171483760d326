import { loadPackageDefinition } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import type { ProtoGrpcType } from './gen/taskmaster.ts'

/** The options that the types in gen/ were generated with (script `proto` in package.json). */
const OPTIONS = { longs: Number, enums: String, keepCase: true, defaults: true, oneofs: true }

const proto = loadPackageDefinition(
  loadSync(`${import.meta.dir}/../../../proto/taskmaster.proto`, OPTIONS),
) as unknown as ProtoGrpcType

export const { CoordinatorService, WorkerService } = proto.grpcapi

/** Channel settings of every client and server: dead peers are noticed, large batches pass. */
export const CHANNEL_OPTIONS = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.max_receive_message_length': 64 * 1024 * 1024,
  'grpc.max_send_message_length': 64 * 1024 * 1024,
} as const
