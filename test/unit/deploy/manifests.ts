import { join } from 'node:path'

export const KUBERNETES = join(import.meta.dir, '../../../deploy/kubernetes')

/** A document of Kubernetes, before anything is known of it. */
export interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string }
}

/** Every document of a YAML file. */
export async function readDocuments<Document = Manifest>(file: string): Promise<Document[]> {
  const parsed = Bun.YAML.parse(await Bun.file(file).text())
  return [parsed].flat().filter((document) => document !== null) as Document[]
}

/** The resources that a folder's kustomization lists, without its patches and without other folders. */
export async function readResources(folder: string): Promise<Manifest[]> {
  const [kustomization] = await readDocuments<{ resources: string[] }>(join(folder, 'kustomization.yaml'))
  const files = (kustomization?.resources ?? []).filter((name) => name.endsWith('.yaml'))
  return (await Promise.all(files.map((name) => readDocuments(join(folder, name))))).flat()
}

/** Those of a kind, in the type that its schema is written in. */
export function ofKind<Resource>(manifests: Manifest[], kind: string): Resource[] {
  return manifests.filter((manifest) => manifest.kind === kind) as unknown as Resource[]
}
