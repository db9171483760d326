import { GenericContainer, Wait } from 'testcontainers'
import type { DatabaseSettings } from '../../src/shared/store/connect.ts'

const PASSWORD = 'test'
const PORT = 5432

/** PostgreSQL of the image that docker-compose.yml names, in a container that testcontainers starts. */
export async function startContainerPostgres(settings: Record<string, string>): Promise<{
  settings: Pick<DatabaseSettings, 'host' | 'port' | 'user' | 'password' | 'database'>
  stop(): Promise<void>
}> {
  // The one that clears up after killed runs is an image of its own, which not every engine can fetch.
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true'
  const container = await new GenericContainer('postgres:18')
    .withEnvironment({ POSTGRES_USER: 'postgres', POSTGRES_PASSWORD: PASSWORD, POSTGRES_DB: 'postgres' })
    .withCommand([
      'postgres',
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ])
    .withExposedPorts(PORT)
    // Over TCP, because the server that initialises the database listens on its socket only.
    .withHealthCheck({
      test: ['CMD-SHELL', 'pg_isready -q -h 127.0.0.1 -U postgres'],
      interval: 500,
      timeout: 3000,
      retries: 60,
    })
    .withWaitStrategy(Wait.forHealthCheck())
    .withStartupTimeout(60_000)
    .start()
  return {
    settings: {
      host: container.getHost(),
      port: container.getMappedPort(PORT),
      user: 'postgres',
      password: PASSWORD,
      database: 'postgres',
    },
    async stop() {
      await container.stop({ timeout: 0 })
    },
  }
}
