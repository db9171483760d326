/** What Compose and Swarm write on the containers that are theirs. */
export const PROJECT = 'com.docker.compose.project'
export const SERVICE = 'com.docker.compose.service'
export const NUMBER = 'com.docker.compose.container-number'
export const ONE_OFF = 'com.docker.compose.oneoff'
/** Compose v2 writes which container it was made to replace. */
export const REPLACES = 'com.docker.compose.replace'
export const STACK = 'com.docker.stack.namespace'
export const SWARM_SERVICE = 'com.docker.swarm.service.name'

/** The whole name of a stack's service, given with or without the name of the stack. */
export const nameOfStackService = (stack: string, service: string) =>
  service.startsWith(`${stack}_`) ? service : `${stack}_${service}`
