import { ServerCredentials } from '@grpc/grpc-js'
import { HealthImplementation } from 'grpc-health-check'
import { hideEnvironment } from '../shared/environment.ts'
import { stopOnSignal } from '../shared/lifecycle.ts'
import { createLog } from '../shared/log.ts'
import { Control, CoordinatorService, TaskService } from '../shared/rpc/load.ts'
import { createGrpcServer } from '../shared/rpc/server.ts'
import { settingsOrExit } from '../shared/settings.ts'
import { helpIfAsked } from '../shared/settings-table.ts'
import { connect } from '../shared/store/connect.ts'
import { openDatabase } from '../shared/store/open.ts'
import { readConfig } from './config.ts'
import { createControl } from './control.ts'
import { startCoordinator } from './coordinator.ts'
import { addressOf, type Presence, startPresence } from './presence.ts'

const STOP_LIMIT_MS = 15_000

helpIfAsked('coordinator', process.argv.slice(2))
const config = settingsOrExit(() => readConfig(process.env, process.argv.slice(2)))
const log = createLog({ service: 'coordinator', level: config.logLevel })

hideEnvironment()
const sql = connect(config.database)
await openDatabase(sql, config.database, config.databaseTries, log)
const coordinator = await startCoordinator(sql, config, log)

const server = createGrpcServer()
server.addService(CoordinatorService.service, coordinator.service)
server.addService(TaskService.service, coordinator.taskService)
const control = createControl(coordinator.id, coordinator.troubles, coordinator.express)
server.addService(Control.service, control.handlers)
const health = new HealthImplementation({
  '': 'SERVING',
  'grpcapi.CoordinatorService': 'SERVING',
  'task.TaskService': 'SERVING',
})
health.addToServer(server)

let presence: Presence | null = null
server.bindAsync(`${config.host}:${config.port}`, ServerCredentials.createInsecure(), (error, port) => {
  if (error) {
    log.fatal(`Cannot listen on ${config.host}:${config.port}: ${error.message}`)
    process.exit(1)
  }
  log.info({ port }, `Starting gRPC server on :${port}`)
  const address = addressOf(config.host, port)
  presence = startPresence(sql, coordinator.troubles, log, { id: coordinator.id, address })
})

stopOnSignal(
  log,
  async () => {
    health.setStatus('', 'NOT_SERVING')
    for (const name of ['grpcapi.CoordinatorService', 'task.TaskService'])
      health.setStatus(name, 'NOT_SERVING')
    control.leave()
    await presence?.stop()
    await coordinator.stop()
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => {
        server.forceShutdown()
        resolve()
      }, 1000)
      server.tryShutdown(() => {
        clearTimeout(force)
        resolve()
      })
    })
    await sql.end({ timeout: 2 })
  },
  STOP_LIMIT_MS,
)
