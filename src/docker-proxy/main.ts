import { createEngine } from '../shared/docker/engine.ts'
import { hideEnvironment } from '../shared/environment.ts'
import { stopOnSignal } from '../shared/lifecycle.ts'
import { createLog } from '../shared/log.ts'
import { settingsOrExit } from '../shared/settings.ts'
import { helpIfAsked } from '../shared/settings-table.ts'
import { readConfig } from './config.ts'
import { findConfines } from './confines.ts'
import { createGate } from './gate.ts'

helpIfAsked('docker-proxy', process.argv.slice(2))
const config = settingsOrExit(() => readConfig(process.env, process.argv.slice(2)))
const log = createLog({ service: 'docker-proxy', level: config.logLevel })
hideEnvironment()
const engine = createEngine(`unix://${config.socket}`)

const confines = await findConfines(engine, config).catch((error) => {
  log.fatal({ reason: (error as Error).message }, 'Cannot tell which project this is for')
  process.exit(1)
})
const gate = createGate({ engine, confines, log })
const server = Bun.serve({
  hostname: config.host,
  port: config.port,
  // Stopping a container answers when it has stopped.
  idleTimeout: 0,
  maxRequestBodySize: 1_048_576,
  fetch: gate.answer,
})
log.info({ port: server.port, ...confines }, `Starting Docker proxy on :${server.port}`)

stopOnSignal(log, () => server.stop(true), 5000)
