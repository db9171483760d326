import { closeSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseExact } from '../../../shared/core/exact-json.ts'
import { OUTPUT_LIMITS } from '../../../shared/core/output.ts'
import { fieldsOf, findPayloadFault } from '../../../shared/core/payloads.ts'
import type { Json } from '../../../shared/core/task.ts'
import type { SlotSettings, SlotTask } from '../../messages.ts'
import { type Executor, type ExecutorContext, Failure } from '../executor.ts'
import { GUARD } from './guard.ts'
import { type Confinement, confine, ownCgroup } from './limits.ts'

/** ms that what the command printed may take to arrive once it has ended. */
const LAST_OUTPUT_MS = 1000
const RESULT_FILE = '.taskmaster-result'
/** Read of a result. */
const MAX_RESULT_BYTES = 4 * OUTPUT_LIMITS.result

/**
 * Runs the command with `sh -c`: in a process group, a folder and an environment of its own, all of which end with it.
 * What it writes to the file that TASKMASTER_RESULT names is its result, as JSON.
 */
export const shell: Executor = async (task, context) => {
  const fault = findPayloadFault('shell', task.command, task.payload)
  if (fault) throw new Failure(fault, true)
  const cwd = await mkdtemp(join(tmpdir(), 'taskmaster-'))
  const confinement = limit(task, context)
  try {
    const env = environment(task, context.settings, cwd)
    const ended = await run(task.command, { cwd, env, cgroup: confinement?.path }, context)
    if (ended !== null) throw new Failure(ended)
    return await readResult(join(cwd, RESULT_FILE), context)
  } finally {
    confinement?.remove()
    await rm(cwd, { recursive: true, force: true }).catch(() => {})
  }
}

interface Place {
  cwd: string
  env: Record<string, string>
  cgroup: string | undefined
}

/** Resolves with what went wrong, or null. */
async function run(
  command: string,
  { cwd, env, cgroup }: Place,
  context: ExecutorContext,
): Promise<string | null> {
  if (context.signal.aborted) return 'stopped'
  const child = Bun.spawn(['sh', '-c', GUARD, command], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
    ...(cgroup && { cgroup }),
  })
  const { pid } = child
  context.setGroup(pid)
  const terminate = () => kill(pid, 'SIGTERM')
  context.signal.addEventListener('abort', terminate, { once: true })
  const printed = Promise.all([
    read(child.stdout, (text) => context.say('stdout', text)),
    read(child.stderr, (text) => context.say('stderr', text)),
  ])
  await child.exited
  context.signal.removeEventListener('abort', terminate)
  // What the command started and left goes with it.
  kill(pid, 'SIGKILL')
  closeGuard(child.stdio[3])
  context.setGroup(null)
  await Promise.race([printed, Bun.sleep(LAST_OUTPUT_MS)])
  if (context.signal.aborted) return child.exitCode === 0 ? null : 'stopped'
  if (child.signalCode) return `ended by ${child.signalCode}`
  return child.exitCode === 0 ? null : `exited with code ${child.exitCode}`
}

/** Nothing of the worker's own environment: what it is told about databases and tokens is not the task's. */
function environment(task: SlotTask, { shellEnv }: SlotSettings, cwd: string): Record<string, string> {
  return {
    ...shellEnv,
    HOME: cwd,
    ...(fieldsOf(task.payload).env as Record<string, string> | undefined),
    TASKMASTER_TASK_ID: task.taskId,
    TASKMASTER_ATTEMPT: String(task.attempt),
    TASKMASTER_RESULT: join(cwd, RESULT_FILE),
    ...(task.parents && { TASKMASTER_PARENTS: task.parents }),
  }
}

function limit(
  { payload, taskId, attempt }: SlotTask,
  { settings, say }: ExecutorContext,
): Confinement | null {
  const { memory_mb: memoryMb = null, cpus = null } = fieldsOf(payload)
  if (memoryMb === null && cpus === null) return null
  try {
    const limits = { memoryMb: memoryMb as number | null, cpus: cpus as number | null }
    return confine(settings.cgroup ?? ownCgroup(), `taskmaster-${taskId}-${attempt}`, limits)
  } catch {
    say(
      'log',
      'memory_mb and cpus are not applied: this worker may not make a cgroup (version 2) for its tasks',
    )
    return null
  }
}

async function read(stream: ReadableStream<Uint8Array>, onText: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  for await (const chunk of stream) onText(decoder.decode(chunk, { stream: true }))
  onText(decoder.decode())
}

/** The result that the command left. Its work is done: what is no JSON, or too large, is kept as a text. */
async function readResult(path: string, { say }: ExecutorContext): Promise<Json | undefined> {
  const found = await stat(path).catch(() => null)
  if (!found?.isFile()) return undefined
  const isCut = found.size > MAX_RESULT_BYTES
  const bytes = await Bun.file(path).slice(0, MAX_RESULT_BYTES).bytes()
  const text = new TextDecoder().decode(bytes, { stream: isCut })
  if (text.trim() === '') return undefined
  try {
    if (!isCut) return parseExact(text)
    say(
      'log',
      `The result in TASKMASTER_RESULT is larger than ${MAX_RESULT_BYTES} bytes: its beginning is kept as a text.`,
    )
  } catch (error) {
    say(
      'log',
      `The result in TASKMASTER_RESULT is not JSON, and is kept as a text: ${(error as Error).message}`,
    )
  }
  return text
}

function kill(group: number, signal: NodeJS.Signals) {
  try {
    process.kill(-group, signal)
  } catch {
    // It is over.
  }
}

function closeGuard(pipe: unknown) {
  try {
    if (typeof pipe === 'number') closeSync(pipe)
  } catch {
    // It went with the child.
  }
}
