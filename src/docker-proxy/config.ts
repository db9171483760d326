import { hostname } from 'node:os'
import { commonSettings, optionalText, port, readSettings, text } from '../shared/settings.ts'

export const settings = {
  ...commonSettings,
  DOCKER_PROXY_HOST: text('0.0.0.0'),
  DOCKER_PROXY_PORT: port(2375),
  DOCKER_SOCKET: text('/var/run/docker.sock'),
  FLEET_PROJECT: optionalText(),
  FLEET_SERVICE: text('worker'),
}

/** The proxy's settings from the environment and the command line; see docs/scaling.md for each. */
export function readConfig(env: Record<string, string | undefined>, args: string[]) {
  const values = readSettings(settings, env, args)
  return {
    logLevel: values.LOG_LEVEL,
    host: values.DOCKER_PROXY_HOST,
    port: values.DOCKER_PROXY_PORT,
    socket: values.DOCKER_SOCKET,
    /** The Compose project or Swarm stack it is confined to; null: that of its own container. */
    project: values.FLEET_PROJECT,
    service: values.FLEET_SERVICE,
    hostname: hostname(),
  }
}
