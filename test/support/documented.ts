import { loadPackageDefinition } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import type { ProtoGrpcType } from '../../src/shared/rpc/gen/taskmaster.ts'

type Documented = Pick<ProtoGrpcType['grpcapi'], 'CoordinatorService' | 'WorkerService'>

const loaded = loadPackageDefinition(
  loadSync(`${import.meta.dir}/documented.proto`, {
    longs: Number,
    enums: String,
    keepCase: true,
    defaults: true,
  }),
) as unknown as { grpcapi: Documented }

/** The services as others know them: by a proto file of their own, without the dispatch stream. */
export const { CoordinatorService, WorkerService } = loaded.grpcapi
