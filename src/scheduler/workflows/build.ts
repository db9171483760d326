import { createHash } from 'node:crypto'
import { AppError } from '../../shared/core/error.ts'
import { taskFields } from '../../shared/core/submission.ts'
import type { NewTask } from '../../shared/core/task.ts'
import { type PlannedStep, planWorkflow } from '../../shared/core/workflow.ts'
import { hashRequest } from '../../shared/idempotency.ts'
import { type Dependency, refuseTooMany } from '../many.ts'
import { delayOf, taskFrom } from '../task-from.ts'
import type { CreateWorkflowInput } from './input.ts'

/** A workflow that is ready to be stored. */
export interface BuiltWorkflow {
  id: string
  tasks: NewTask[]
  edges: Dependency[]
}

/**
 * The tasks of a workflow, with ids of their own, and what of them depends on what. The first one carries the key of
 * the whole: all are stored or none, so it stands for them.
 *
 * @throws `invalid` with the place of a key that is there twice or not at all, or with the cycle that they form
 */
export function buildWorkflow(input: CreateWorkflowInput): BuiltWorkflow {
  const { tasks: inputs, idempotency_key: key } = input
  const plan = planWorkflow(inputs.map(({ key, depends_on }) => ({ key, dependsOn: depends_on ?? [] })))
  if ('fault' in plan) throw new AppError('invalid', plan.fault)
  const workflowId = Bun.randomUUIDv7()
  const depended = new Set(plan.flatMap(({ steps }) => steps))
  const ofWhole = key ? { idempotencyKey: key, requestHash: hashWorkflow(input, plan) } : {}
  const tasks = inputs.map((given, index): NewTask => {
    const { steps, tasks } = plan[index] as PlannedStep
    return {
      ...taskFrom({ ...given, depends_on: null }, given.scheduled_at ?? delayOf(given)),
      ...(index === 0 && ofWhole),
      parents: steps.length + tasks.length,
      hasDependents: depended.has(given.key),
      workflowId,
      workflowKey: given.key,
    }
  })
  const ids = new Map(tasks.map(({ workflowKey, id }) => [workflowKey, id]))
  const edges = plan.flatMap(({ key, steps, tasks }, index): Dependency[] => {
    const given = inputs[index]?.depends_on ?? []
    const edge = (dependsOn: string, at: number): Dependency => ({
      taskId: ids.get(key) as string,
      dependsOn,
      place: `tasks[${index}].depends_on[${at}]`,
    })
    return [
      ...steps.map((step) => edge(ids.get(step) as string, given.indexOf(step))),
      ...tasks.map((id) =>
        edge(
          id,
          given.findIndex((name) => name.toLowerCase() === id),
        ),
      ),
    ]
  })
  refuseTooMany(edges)
  return { id: workflowId, tasks, edges }
}

/** A digest by which two requests under one key are compared; see `hashRequest`. */
function hashWorkflow({ name, tasks }: CreateWorkflowInput, plan: PlannedStep[]): string {
  const steps = tasks.map((task, index) => {
    const { key, steps, tasks } = plan[index] as PlannedStep
    const dependsOn = [...steps, ...tasks].sort()
    return [key, hashRequest({ ...taskFields(task), at: task.scheduled_at ?? delayOf(task), dependsOn })]
  })
  return createHash('sha256')
    .update(JSON.stringify(['workflow', name, steps]))
    .digest('base64url')
}
