import type { CoordinatorServiceHandlers } from '../shared/rpc/gen/grpcapi/CoordinatorService.ts'
import type { Documented } from './documented.ts'
import type { WorkStream } from './links/stream.ts'
import type { Unary } from './unary.ts'

/** The gRPC edge: turns calls into the coordinator's own terms, and errors into statuses. */
export function createService(
  documented: Documented,
  serveWork: (stream: WorkStream) => void,
  unary: Unary,
): CoordinatorServiceHandlers {
  return {
    SubmitTask: unary(documented.submitTask),
    SendHeartbeat: unary(documented.sendHeartbeat),
    UpdateTaskStatus: unary(documented.updateTaskStatus),
    ListWorkers: unary(documented.listWorkers),
    Work: serveWork,
  }
}
