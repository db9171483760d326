import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../shared/core/error.ts'
import { MAX_WORKERS, SAFE_NAME } from '../../shared/fleet.ts'
import type { Fleet } from './port.ts'

export interface KubernetesFleetOptions {
  /** The API server, such as `https://10.0.0.1:443`. */
  url: string
  /** Holds the service account's `token`, `ca.crt` and `namespace`. */
  accountFolder: string
  /** The Deployment whose pods are the workers. */
  deployment: string
}

const LIMIT_MS = 10_000
interface Pod {
  metadata: { name: string }
}

/** The pods of a Deployment. Kubernetes replaces what is killed, and stops what is too many. */
export function createKubernetesFleet({ url, accountFolder, deployment }: KubernetesFleetOptions): Fleet {
  if (!SAFE_NAME.test(deployment)) throw new AppError('invalid', `"${deployment}" is no name of a Deployment`)

  async function call<T>(method: string, path: string, body?: unknown): Promise<T | null> {
    // Read anew for every call: Kubernetes replaces the token while we run.
    const [token, ca, namespace] = await Promise.all(
      ['token', 'ca.crt', 'namespace'].map((file) => readFile(join(accountFolder, file), 'utf8')),
    ).catch((error) => {
      throw new AppError('unavailable', `no service account at ${accountFolder}`, { cause: error })
    })
    let response: Response
    try {
      response = await fetch(`${url}${path.replace('{namespace}', namespace?.trim() ?? '')}`, {
        method,
        headers: {
          authorization: `Bearer ${token?.trim()}`,
          accept: 'application/json',
          ...(body !== undefined && { 'content-type': 'application/merge-patch+json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        tls: { ca },
        proxy: false,
        signal: AbortSignal.timeout(LIMIT_MS),
      } as RequestInit)
    } catch (error) {
      throw new AppError('unavailable', 'the Kubernetes API does not answer', { cause: error })
    }
    if (response.status === 404) return null
    if (!response.ok) throw new AppError('unavailable', await refusalOf(response))
    return (await response.json()) as T
  }

  const scalePath = `/apis/apps/v1/namespaces/{namespace}/deployments/${deployment}/scale`
  const missing = () => new AppError('unavailable', `there is no Deployment ${deployment}`)

  /** The names of the Deployment's pods, by its own selector. */
  async function listPods(): Promise<string[]> {
    const selector = (await call<{ status?: { selector?: string } }>('GET', scalePath))?.status?.selector
    if (!selector) throw missing() // and never the pods of all the namespace
    const query = `labelSelector=${encodeURIComponent(selector)}`
    const found = await call<{ items: Pod[] }>('GET', `/api/v1/namespaces/{namespace}/pods?${query}`)
    return (found?.items ?? []).map(({ metadata }) => metadata.name).filter((name) => SAFE_NAME.test(name))
  }

  return {
    isScalable: true,

    async scale(count) {
      if (!Number.isInteger(count) || count < 1 || count > MAX_WORKERS) {
        throw new AppError('invalid', `count must be between 1 and ${MAX_WORKERS}`)
      }
      if (!(await call('PATCH', scalePath, { spec: { replicas: count } }))) throw missing()
      return `kubectl scale deployment/${deployment} --replicas=${count}`
    },

    async kill(worker) {
      const pod = (await listPods()).find((name) => name === worker.hostname)
      if (!pod) throw new AppError('not_found', `worker ${worker.name} runs in no pod of this fleet`)
      const path = `/api/v1/namespaces/{namespace}/pods/${pod}?gracePeriodSeconds=0`
      if (!(await call('DELETE', path))) throw new AppError('not_found', `pod ${pod} is gone`)
      return `kubectl delete pod ${pod} --grace-period=0 --force`
    },

    async hostnameOf(called) {
      return (await listPods()).find((name) => name === called) ?? null
    },
  }
}

async function refusalOf(response: Response): Promise<string> {
  const { message } = (await response.json().catch(() => ({}))) as { message?: unknown }
  return `Kubernetes says: ${typeof message === 'string' ? message : response.status}`
}
