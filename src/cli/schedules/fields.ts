import type { Command } from 'commander'
import { AppError } from '../../shared/core/error.ts'
import { parseExact } from '../../shared/core/exact-json.ts'
import type { CommonOptions } from '../command.ts'
import { parseDurationMs } from '../duration.ts'
import { parsePriority } from '../priority.ts'

export interface TimingOptions extends CommonOptions {
  cron?: string
  zone?: string
  every?: string
  anchor?: string
  starts?: string
  ends?: string
}

export interface FieldOptions extends TimingOptions {
  name?: string
  cmd?: string
  desc?: string
  priority?: string
  executor?: string
  payload?: string
  retries?: string
  timeout?: string
  task?: string
  catchUp?: string
  catchUpWindow?: string
  overlap?: string
}

export const withTiming = (command: Command): Command =>
  command
    .option('--cron <pattern>', 'minute hour day month weekday, with seconds in front if wanted')
    .option('--zone <zone>', 'the time zone of the pattern, such as Europe/Berlin (default UTC)')
    .option('--every <duration>', 'instead of a pattern: an interval such as 30s, 5m, 1d')
    .option('--anchor <time>', 'the first tick of an interval (default: one interval from now)')
    .option('--starts <time>', 'no tick before: ISO 8601 with Z or an offset')
    .option('--ends <time>', 'no tick after')

export const withFields = (command: Command): Command =>
  withTiming(command)
    .option('--cmd <command>', 'what each tick runs')
    .option('--desc <description>', 'a description of its tasks')
    .option('--priority <priority>', 'LOW, MEDIUM, HIGH, CRITICAL or a number (default LOW)')
    .option('--executor <name>', 'how to run it (default simulate)')
    .option('--payload <json>', 'what its executor is given')
    .option('--retries <count>', 'how often a task may be run again when it fails')
    .option('--timeout <duration>', 'how long an attempt may run (default: any time)')
    .option('--task <json>', 'any fields of the task, as they would be submitted')
    .option('--catch-up <policy>', 'ticks that were missed: skip, last (default) or all')
    .option('--catch-up-window <duration>', 'how old a tick may be to be caught up (default 1d)')
    .option('--overlap <policy>', 'a tick while the task before runs: allow (default), skip or queue')

/** The fields of a request that say when; what was not given is left out. */
export function timingFields({ cron, zone, every, anchor, starts, ends }: TimingOptions): object {
  return {
    ...(cron !== undefined && { cron }),
    ...(zone !== undefined && { time_zone: zone }),
    ...(every !== undefined && { every_ms: parseDurationMs(every) }),
    ...(anchor !== undefined && { anchor_at: anchor }),
    ...(starts !== undefined && { starts_at: starts }),
    ...(ends !== undefined && { ends_at: ends }),
  }
}

/** All fields of a request; `task` only when something of it was given. */
export function scheduleFields(options: FieldOptions, before: object = {}): object {
  const task = {
    ...(options.task !== undefined && parseObject('task', options.task)),
    ...(options.cmd !== undefined && { command: options.cmd }),
    ...(options.desc !== undefined && { description: options.desc }),
    ...(options.priority !== undefined && { priority: parsePriority(options.priority) }),
    ...(options.executor !== undefined && { executor: options.executor }),
    ...(options.payload !== undefined && { payload: parseJson('payload', options.payload) }),
    ...(options.retries !== undefined && { max_retries: Number(options.retries) }),
    ...(options.timeout !== undefined && { timeout_ms: parseDurationMs(options.timeout) }),
  }
  return {
    ...timingFields(options),
    ...(options.name !== undefined && { name: options.name }),
    ...(Object.keys(task).length > 0 && { task: { ...before, ...task } }),
    ...(options.catchUp !== undefined && { catch_up: options.catchUp }),
    ...(options.catchUpWindow !== undefined && {
      catch_up_window_ms: parseDurationMs(options.catchUpWindow),
    }),
    ...(options.overlap !== undefined && { overlap: options.overlap }),
  }
}

function parseObject(name: string, text: string): object {
  const value = parseJson(name, text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new AppError('invalid', `Invalid ${name}: it must be a JSON object`)
}

function parseJson(name: string, text: string): unknown {
  try {
    return parseExact(text)
  } catch (error) {
    throw new AppError('invalid', `Invalid ${name}: ${(error as Error).message}`, { cause: error })
  }
}
