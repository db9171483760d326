import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Manifest } from './manifests.ts'

const ROOT = join(import.meta.dir, '../../..')

/** Where the schema of each `apiVersion` is published. */
const moduleOf = (apiVersion: string) =>
  apiVersion.startsWith('keda.sh/')
    ? `@kubernetes-models/keda/${apiVersion}`
    : `kubernetes-models/${apiVersion}`

/** What the published JSON schema says against a manifest; null: nothing. */
export async function findSchemaFault(manifest: Manifest): Promise<string | null> {
  const models = (await import(moduleOf(manifest.apiVersion))) as Record<
    string,
    (new (data: unknown) => { validate(): void }) | undefined
  >
  const Model = models[manifest.kind]
  if (!Model) return `there is no ${manifest.kind} in ${manifest.apiVersion}`
  try {
    new Model(manifest).validate()
    return null
  } catch (error) {
    return (error as Error).message
  }
}

/** Fields that no schema knows: the API server would drop them without a word. One line for each. */
export async function findUnknownFields(manifests: Manifest[]): Promise<string[]> {
  const folder = await mkdtemp(join(ROOT, 'node_modules/.deploy-types-'))
  try {
    const lines = manifests.map((manifest, index) => {
      const type = `import('${moduleOf(manifest.apiVersion)}').I${manifest.kind}`
      return `export const manifest${index}: ${type} = ${JSON.stringify(manifest, null, 2)}`
    })
    await Bun.write(join(folder, 'manifests.ts'), lines.join('\n'))
    const compiler = Bun.spawn(
      [
        ...[process.execPath, 'x', 'tsc', '--noEmit', '--strict', '--skipLibCheck', '--target', 'esnext'],
        ...['--module', 'preserve', '--moduleResolution', 'bundler', '--types', ''],
        ...['--ignoreConfig', join(folder, 'manifests.ts')],
      ],
      { cwd: ROOT, stdout: 'pipe', stderr: 'pipe' },
    )
    const said = await new Response(compiler.stdout).text()
    await compiler.exited
    return said.split('\n').filter((line) => line.includes('error TS'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
