import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { readConfig as readUp, settings as upSettings } from '../../../src/cli/up/config.ts'
import { workerEnv } from '../../../src/cli/up/environment.ts'
import { HELP } from '../../../src/cli/up/help.ts'
import { settings as ofCoordinator, readConfig as readCoordinator } from '../../../src/coordinator/config.ts'
import { settings as ofProxy, readConfig as readProxy } from '../../../src/docker-proxy/config.ts'
import { settings as ofScheduler, readConfig as readScheduler } from '../../../src/scheduler/config.ts'
import { flagOf, SETTINGS, settingsOf } from '../../../src/shared/settings-table.ts'
import { settings as ofWorker, readConfig as readWorker } from '../../../src/worker/config.ts'

type Env = Record<string, string | undefined>

const AROUND = { hasLauncher: false, hasDockerSocket: false }
const SERVICES = {
  scheduler: { spec: ofScheduler, read: (env: Env, args: string[]) => readScheduler(env, args, AROUND) },
  coordinator: { spec: ofCoordinator, read: readCoordinator },
  // Its id is drawn.
  worker: { spec: ofWorker, read: (env: Env, args: string[]) => ({ ...readWorker(env, args), id: 0 }) },
  'docker-proxy': { spec: ofProxy, read: readProxy },
} as const
const services = Object.entries(SERVICES) as [keyof typeof SERVICES, (typeof SERVICES)['worker']][]

/** A text for a setting that is not its default; what stands for a kind of setting is a number. */
const EXAMPLES: Record<string, string> = {
  DATABASE_URL: 'postgres://u:p@h:1/d',
  DB_SCHEMA: 'jobs',
  AUTOSCALE: '3:5',
  EXPRESS: 'off',
  FLEET: 'swarm',
  LOG_LEVEL: 'warn',
  TASK_RETENTION: '12h',
  WORKER_EXECUTORS: 'shell',
  HTTP_ALLOW_PRIVATE: '10.0.0.0/8',
  PUSH_ALLOW: '10.0.0.0/8',
  TASKMASTER_FOLDER: '/tmp/elsewhere',
  COORDINATOR: 'a:1,b:2',
  COORDINATOR_ADDRESS: 'a:1,b:2',
  WORKER_ADDRESS: 'here:9',
  WORKER_NAME: 'fast',
  COMMAND_LINE: 'docker exec scheduler bun src/cli/main.ts',
  ALLOWED_ORIGINS: 'http://localhost:3000',
  ALLOWED_HOSTS: 'tasks.example.com',
  KUBERNETES_SERVICE_HOST: '10.0.0.1',
  DOCKER_HOST: 'tcp://proxy:1',
}
const TEXTS = /_(HOST|USER|PASSWORD|DB|LABELS|FILE|HISTORY|HANDLERS|CGROUP|PROJECT|SERVICE|SOCKET|ACCOUNT)$/

function exampleOf(name: string): string {
  if (EXAMPLES[name]) return EXAMPLES[name]
  const { fallback = '' } = SETTINGS.find((entry) => entry.name === name) ?? {}
  if (TEXTS.test(name)) return `my-${name.toLowerCase()}`
  return String((Number.parseInt(fallback, 10) || 7) + 1)
}

/** What has to be set for a setting to matter. */
const WITH: Record<string, Env> = {
  KUBERNETES_SERVICE_PORT: { KUBERNETES_SERVICE_HOST: '10.0.0.1' },
  AUTOSCALE_TARGET_WAIT: { AUTOSCALE: '1:2' },
  AUTOSCALE_COOL_DOWN: { AUTOSCALE: '1:2' },
}

describe.each(services)('%s', (program, { spec, read }) => {
  test('reads the settings that the table of all settings says', () => {
    expect(Object.keys(spec).sort()).toEqual(
      settingsOf(program)
        .map(({ name }) => name)
        .sort(),
    )
  })

  test.each(Object.keys(spec))('%s is a variable and a flag, and both mean the same', (name) => {
    const others = WITH[name] ?? {}
    const given = exampleOf(name)
    const byVariable = read({ ...others, [name]: given }, [])
    expect(byVariable).not.toEqual(read(others, []))
    expect(read(others, [flagOf(name), given])).toEqual(byVariable)
    expect(read({ ...others, [name]: 'x' }, [`${flagOf(name)}=${given}`])).toEqual(byVariable)
  })
})

describe('up', () => {
  const own = settingsOf('up').filter(({ name }) => !/^COORDINATOR(_ADDRESS)?$/.test(name))

  test('knows every setting of the services that it starts', () => {
    const known = new Set(settingsOf('up').map(({ name }) => name))
    const read = [upSettings, ofScheduler, ofCoordinator, ofWorker].flatMap((spec) => Object.keys(spec))
    expect(read.filter((name) => !known.has(name))).toEqual([])
  })

  test.each(own.map(({ name }) => name))(
    '%s is a variable and a flag, and both reach the services',
    (name) => {
      const given = exampleOf(name)
      const byFlag = readUp({}, [flagOf(name), given])
      expect(byFlag.env).toEqual({ [name]: given })
      expect(byFlag).toEqual(readUp({ [name]: given }, []))
      expect(HELP).toContain(`${name === 'TASKMASTER_FOLDER' ? '--folder' : flagOf(name)} `)
    },
  )

  test.each(['--coordinator', '--coordinator-address', '--master'])(
    '%s is refused with the reason and what to do',
    (flag) => {
      expect(() => readUp({}, [flag, 'elsewhere:8080'])).toThrow(
        `${flag} is not for up, which starts a coordinator of its own. ` +
          `For workers of another: bun src/worker/main.ts ${flag} <host:port>`,
      )
    },
  )

  test('gives each worker the name and the port that were given, with its number', () => {
    const config = readUp({}, ['--worker-name', 'fast', '--worker-port', '9000'])
    expect(config.workerName).toBe('fast')
    const ports = [1, 2, 3].map((n) => workerEnv(config, `fast-${n}`, { host: 'h', port: 1 }).WORKER_PORT)
    expect(ports).toEqual(['9000', '9001', '9002'])
  })
})

describe('the documentation', () => {
  test('has a row for every setting, with its default', async () => {
    const documented = { ...(await readTable('docs/scaling.md')), ...(await readTable('README.md')) }
    const known = Object.fromEntries(SETTINGS.map(({ name, fallback }) => [name, fallback]))
    expect(Object.keys(documented).sort()).toEqual(Object.keys(known).sort())
    const wrong = Object.entries(documented).filter(
      ([name, text]) => text !== undefined && bare(text) !== bare(known[name]!),
    )
    expect(wrong).toEqual([])
  })

  const bare = (text: string) =>
    text.replaceAll('`', '').replaceAll('’', "'").replace(/ ms$/, '').replace(/: .*/, '')

  /** The settings that the tables of a page name, each with its default where they have as many. */
  async function readTable(page: string): Promise<Record<string, string | undefined>> {
    const text = await Bun.file(join(import.meta.dir, '../../..', page)).text()
    const found: Record<string, string | undefined> = {}
    for (const line of text.split('\n')) {
      const [, left = '', middle = ''] = line.split('|').map((cell) => cell.trim())
      const words = [...left.matchAll(/`([A-Z][A-Z0-9_]+|_[A-Z]+)`/g)].map(([, name = '']) => name)
      // `POSTGRES_USER`, `_PASSWORD`: the beginning is that of the one before.
      const names = words.map((name) => (name.startsWith('_') ? `POSTGRES${name}` : name))
      if (
        names.length === 0 ||
        !line.startsWith('|') ||
        (names.includes('FLEET') && middle === 'workers are')
      )
        continue
      const defaults = middle.split(' · ')
      names.forEach((name, index) => {
        found[name] =
          defaults.length === names.length ? defaults[index] : defaults.length === 1 ? middle : undefined
      })
    }
    return found
  }
})
