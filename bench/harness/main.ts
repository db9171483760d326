import { onEnd, runToEnd } from '../cleanup.ts'
import type { System } from '../system.ts'
import { readConfig } from './config.ts'
import { createProducer } from './producer.ts'
import { listenForReports } from './reports.ts'
import { createMeter, type Depths, printDescriptor } from './samples.ts'
import { startReplica } from './system.ts'

// The adapter for the harness of hardbyte/postgresql-job-queue-benchmarking: see README.md.

const DEPTH_EVERY_MS = 200
/** The harness gives 5 s from SIGTERM on. */
const STOP_LIMIT_MS = 4500

async function run(): Promise<void> {
  const config = readConfig(process.env)
  const { instance, sampleEverySeconds, producer: producing } = config
  const meter = createMeter(config)
  const reports = await listenForReports(meter.ended)
  const system = await startReplica(config, reports.socket)
  await printDescriptor(config)
  const isFirst = instance === 0
  const depths = isFirst || producing.pacing === 'depth' ? followDepths(system.url) : null
  const producer = createProducer({
    ...producing,
    url: system.url,
    depth: () => depths?.waiting ?? 0,
    onAccepted: meter.accepted,
    onFailure: (count, { message }) => console.error(`Could not submit ${count} tasks: ${message}`),
  })
  onEnd(producer.stop)
  meter.begin()
  await Promise.race([
    untilOneEnds(system),
    producer.run().then(() => new Promise(() => {})),
    everyFullInterval(sampleEverySeconds, async () => {
      meter.sample(await producer.targetRate(), isFirst ? depths : null)
    }),
  ])
}

/** Tasks that wait and that are in flight, as the scheduler tells. */
function followDepths(url: string): Depths {
  const depths: Depths = { waiting: 0, inFlight: 0 }
  const follow = async () => {
    for (;;) {
      // While the database is away, what was last known stands.
      await readDepths(url).then(
        (read) => Object.assign(depths, read),
        () => {},
      )
      await Bun.sleep(DEPTH_EVERY_MS)
    }
  }
  follow()
  return depths
}

async function readDepths(url: string): Promise<Depths> {
  const response = await fetch(`${url}/api/stats`)
  if (!response.ok) throw new Error(`the scheduler answered ${response.status}`)
  const { pending_tasks, assigned_tasks, running_tasks } = (await response.json()) as Record<string, number>
  return { waiting: pending_tasks ?? 0, inFlight: (assigned_tasks ?? 0) + (running_tasks ?? 0) }
}

/** At every instant that is a multiple of so many seconds, so that the samples of all systems are of the same ones. */
async function everyFullInterval(seconds: number, act: () => Promise<void>): Promise<never> {
  const interval = seconds * 1000
  const following = (at: number) => (Math.floor(at / interval) + 1) * interval
  let next = following(Date.now())
  for (;;) {
    await Bun.sleep(next - Date.now())
    await act()
    // A timer may fire a little early, and a busy machine may miss an instant.
    next = following(Math.max(next, Date.now()))
  }
}

/** @throws when a service ends: the harness then gives the run up */
async function untilOneEnds(system: System): Promise<void> {
  const ends = [...system.processes].map(async ({ name, exited }) => `${name} ended: ${await exited}`)
  throw new Error(await Promise.race(ends))
}

await runToEnd(run, { exitCode: 0, limitMs: STOP_LIMIT_MS })
