import { expect, test } from 'bun:test'
import { join } from 'node:path'
import type { IDeployment, IStatefulSet } from 'kubernetes-models/apps/v1'
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2'
import type { IIngress, INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1'
import type { IRole } from 'kubernetes-models/rbac.authorization.k8s.io/v1'
import type { IContainer, IProbe, IService } from 'kubernetes-models/v1'
import { KUBERNETES, type Manifest, ofKind, readDocuments, readResources } from './manifests.ts'
import { findSchemaFault, findUnknownFields } from './schema.ts'
import { settingsOf } from './settings.ts'

const base = await readResources(join(KUBERNETES, 'base'))
const all = [...base, ...(await readResources(join(KUBERNETES, 'overlays/keda')))]
const deployments = ofKind<IDeployment>(base, 'Deployment')
const workloads = [...deployments, ...ofKind<IStatefulSet>(base, 'StatefulSet')]
const nameOf = ({ metadata }: { metadata?: { name?: string | undefined } | undefined }) =>
  metadata?.name ?? ''
const podsOf = ({ spec }: IDeployment | IStatefulSet) => spec?.template.metadata?.labels ?? {}
const containersOf = ({ spec }: IDeployment | IStatefulSet): IContainer[] =>
  spec?.template.spec?.containers ?? []

const matches = (labels: Record<string, string>, wanted: Record<string, string> | undefined) =>
  Object.entries(wanted ?? {}).every(([name, value]) => labels[name] === value)
const chosenBy = (wanted: Record<string, string> | undefined) =>
  workloads.filter((workload) => matches(podsOf(workload), wanted))
const portNames = (workload: IDeployment | IStatefulSet) =>
  containersOf(workload).flatMap(({ ports }) => (ports ?? []).map(({ name }) => name))

test('every manifest is what its published schema says', async () => {
  const faults = await Promise.all(
    all.map(async (manifest) => [manifest.kind, manifest.metadata.name, await findSchemaFault(manifest)]),
  )
  expect(faults.filter(([, , fault]) => fault !== null)).toEqual([])
  expect(all.length).toBeGreaterThan(20)
})

test('no manifest has a field that its schema does not know', async () => {
  expect(await findUnknownFields(all)).toEqual([])
})

test('a wrong type and a misspelt field are found', async () => {
  const [deployment] = ofKind<IDeployment>(base, 'Deployment')
  const withSpec = (more: object) => ({ ...deployment, spec: { ...deployment?.spec, ...more } }) as never
  expect(await findSchemaFault(withSpec({ replicas: 'two' }))).toContain('replicas must be integer')
  expect((await findUnknownFields([withSpec({ stratergy: {} })])).join()).toContain('stratergy')
})

test('each workload selects its own pods', () => {
  for (const workload of workloads) {
    expect(workload.spec?.selector.matchLabels).toEqual(podsOf(workload))
    expect(chosenBy(podsOf(workload)).map(nameOf)).toEqual([nameOf(workload)])
  }
})

test('each service leads to the pods of one workload, and to a port that they have', () => {
  for (const service of ofKind<IService>(base, 'Service')) {
    const chosen = chosenBy(service.spec?.selector)
    expect(chosen.map(nameOf)).toEqual([nameOf(service)])
    for (const { targetPort } of service.spec?.ports ?? []) {
      expect(chosen.flatMap(portNames)).toContain(targetPort as string)
    }
  }
})

test('each budget and each network policy is about pods that exist', () => {
  for (const budget of ofKind<IPodDisruptionBudget>(base, 'PodDisruptionBudget')) {
    expect(chosenBy(budget.spec?.selector?.matchLabels).map(nameOf)).toEqual([nameOf(budget)])
  }
  for (const policy of ofKind<INetworkPolicy>(base, 'NetworkPolicy')) {
    const wanted = policy.spec?.podSelector?.matchLabels
    if (wanted) expect(chosenBy(wanted).map(nameOf)).toEqual([nameOf(policy)])
  }
})

test('each network policy opens ports that its pods have, to pods that exist', () => {
  for (const { spec } of ofKind<INetworkPolicy>(base, 'NetworkPolicy')) {
    const chosen = chosenBy(spec?.podSelector?.matchLabels)
    for (const { ports, from } of spec?.ingress ?? []) {
      for (const { port } of ports ?? []) expect(chosen.flatMap(portNames)).toContain(port as string)
      for (const { podSelector } of from ?? []) {
        for (const { values } of podSelector?.matchExpressions ?? []) {
          for (const value of values ?? []) expect(workloads.map(nameOf)).toContain(value)
        }
      }
    }
  }
})

test('each service that connects to another is let in there', () => {
  const callers = (name: string) =>
    ofKind<INetworkPolicy>(base, 'NetworkPolicy')
      .filter((policy) => nameOf(policy) === name)
      .flatMap(({ spec }) => spec?.ingress ?? [])
      .flatMap(({ from }) => from ?? [])
      .flatMap(
        ({ podSelector }) => podSelector?.matchExpressions?.flatMap(({ values }) => values ?? []) ?? [],
      )
  expect(callers('postgres').sort()).toEqual(['coordinator', 'scheduler'])
  expect(callers('coordinator').sort()).toEqual(['scheduler', 'worker'])
})

test('each probe asks at a port that the container has', () => {
  for (const workload of workloads) {
    for (const container of containersOf(workload)) {
      const { startupProbe, readinessProbe, livenessProbe, ports } = container
      const probes = [startupProbe, readinessProbe, livenessProbe].filter((probe) => probe !== undefined)
      if (nameOf(workload) !== 'worker') expect(probes.length).toBeGreaterThan(1)
      for (const probe of probes as IProbe[]) {
        const port = probe.grpc?.port ?? probe.httpGet?.port ?? probe.tcpSocket?.port
        if (probe.exec) continue
        expect((ports ?? []).flatMap(({ name, containerPort }) => [name, containerPort])).toContain(
          port as never,
        )
      }
    }
  }
})

test('the ingress leads to a service and a port of it', () => {
  const services = ofKind<IService>(base, 'Service')
  for (const { spec } of ofKind<IIngress>(base, 'Ingress')) {
    for (const { http } of spec?.rules ?? []) {
      for (const { backend } of http?.paths ?? []) {
        const service = services.find((candidate) => nameOf(candidate) === backend.service?.name)
        expect(service?.spec?.ports?.map(({ name }) => name)).toContain(backend.service?.port?.name)
      }
    }
  }
})

test('every setting that a service is given exists', async () => {
  const [kustomization] = await readDocuments<{
    configMapGenerator: { name: string; literals: string[] }[]
  }>(join(KUBERNETES, 'base/kustomization.yaml'))
  const shared = kustomization?.configMapGenerator.flatMap(({ literals }) =>
    literals.map((literal) => literal.slice(0, literal.indexOf('='))),
  )
  for (const deployment of deployments) {
    const known = await settingsOf(nameOf(deployment))
    for (const { env, envFrom } of containersOf(deployment)) {
      const given = (env ?? []).map(({ name }) => name)
      for (const name of [...given, ...(envFrom ? (shared ?? []) : [])]) expect(known).toContain(name)
    }
  }
})

test('what listens listens where the service expects it', () => {
  const settingOf = (workload: string, name: string) =>
    deployments
      .filter((deployment) => nameOf(deployment) === workload)
      .flatMap(containersOf)
      .flatMap(({ env }) => env ?? [])
      .find((one) => one.name === name)?.value
  const portOf = (service: string) =>
    ofKind<IService>(base, 'Service').find((one) => nameOf(one) === service)?.spec?.ports?.[0]?.port
  expect(settingOf('coordinator', 'COORDINATOR_PORT')).toBe(String(portOf('coordinator')))
  expect(settingOf('scheduler', 'SCHEDULER_PORT')).toBe(String(portOf('scheduler')))
  for (const workload of ['scheduler', 'worker']) {
    expect(settingOf(workload, 'COORDINATOR_ADDRESS')).toBe(`coordinator:${portOf('coordinator')}`)
  }
  for (const workload of ['scheduler', 'coordinator']) {
    expect(settingOf(workload, `${workload.toUpperCase()}_HOST`)).toBe('0.0.0.0')
  }
})

test('nothing runs as root, gains privileges, writes to its image, or takes memory without limit', () => {
  for (const workload of workloads) {
    const pod = workload.spec?.template.spec
    expect(pod?.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    for (const { securityContext, resources } of containersOf(workload)) {
      expect(securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      expect(resources?.limits?.memory).toBeDefined()
      expect(resources?.requests?.cpu).toBeDefined()
    }
  }
})

test('only the scheduler talks to the cluster, and may scale the workers and delete pods and nothing more', () => {
  for (const deployment of deployments) {
    const pod = deployment.spec?.template.spec
    if (nameOf(deployment) === 'scheduler') expect(pod?.serviceAccountName).toBe('scheduler')
    else expect(pod?.automountServiceAccountToken).toBe(false)
  }
  expect(ofKind<IRole>(base, 'Role').map(({ rules }) => rules)).toEqual([
    [
      {
        apiGroups: ['apps'],
        resources: ['deployments/scale'],
        resourceNames: ['worker'],
        verbs: ['get', 'patch'],
      },
      { apiGroups: [''], resources: ['pods'], verbs: ['list', 'delete'] },
    ],
  ])
})

test('workers are given longer to end than they take to drain', () => {
  const worker = deployments.find((deployment) => nameOf(deployment) === 'worker')
  const drain = worker && containersOf(worker)[0]?.env?.find(({ name }) => name === 'DRAIN_TIMEOUT')?.value
  const grace = worker?.spec?.template.spec?.terminationGracePeriodSeconds ?? 0
  expect(grace * 1000).toBeGreaterThan(Number(drain) + 5000)
})

test('the workers are scaled from 3 to 50 by a metric that the scheduler exports', async () => {
  const [autoscaler] = ofKind<IHorizontalPodAutoscaler>(base, 'HorizontalPodAutoscaler')
  expect(autoscaler?.spec).toMatchObject({
    minReplicas: 3,
    maxReplicas: 50,
    scaleTargetRef: { name: 'worker' },
  })
  const metrics = await Bun.file(join(KUBERNETES, '../../src/scheduler/metrics.ts')).text()
  const adapter = await Bun.file(join(KUBERNETES, 'prometheus-adapter.yaml')).text()
  const names = (autoscaler?.spec?.metrics ?? []).map(({ external }) => external?.metric.name ?? 'none')
  expect(names).toEqual(['taskmaster_tasks_due', 'taskmaster_worker_busy_slots'])
  for (const name of names) {
    expect(metrics).toContain(`'${name}'`)
    expect(adapter).toContain(`as: ${name}\n`)
  }
  // With `replicas`, every `kubectl apply` would undo what the autoscaler did.
  expect(deployments.find((deployment) => nameOf(deployment) === 'worker')?.spec?.replicas).toBeUndefined()
})

test('each patch of an overlay is about a resource that there is', async () => {
  for (const overlay of ['external-database', 'keda']) {
    const [kustomization] = await readDocuments<{ resources: string[]; patches: { patch: string }[] }>(
      join(KUBERNETES, 'overlays', overlay, 'kustomization.yaml'),
    )
    expect(kustomization?.resources).toContain('../../base')
    for (const { patch } of kustomization?.patches ?? []) {
      const { apiVersion, kind, metadata } = Bun.YAML.parse(patch) as Manifest
      expect(base.filter((one) => one.apiVersion === apiVersion && one.kind === kind).map(nameOf)).toContain(
        metadata.name,
      )
    }
  }
})
