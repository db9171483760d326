import { connect, type Sql } from '../../src/shared/store/connect.ts'
import type { TestDatabase } from './database.ts'

/** A node of what EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) prints. */
export interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Index Cond'?: string
  'Recheck Cond'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Shared Hit Blocks': number
  'Shared Read Blocks': number
  Plans?: PlanNode[]
}

export interface Explained {
  /** Every node, the root first. */
  nodes: PlanNode[]
  /** Rows that scans of this table read, those they threw away included. */
  rowsRead(table: string): number
  /** The indexes that were walked. */
  indexes: string[]
  /** Shared buffers that were touched. */
  buffers: number
}

/**
 * Runs store functions with their statements, word for word, under EXPLAIN ANALYZE: as prepared statements
 * on a connection like those of the services, so that their plans are the ones that services get. The
 * statements take effect; what they return is empty.
 *
 * @returns one plan per statement
 */
export async function explain(
  database: TestDatabase,
  run: (sql: Sql) => PromiseLike<unknown>,
): Promise<Explained[]> {
  const sql = connect({ ...database.settings, poolMax: 1 })
  const plans: Explained[] = []
  const explaining = new Proxy(sql, {
    apply(target, self, args) {
      const query = Reflect.apply(target, self, args) as ReturnType<Sql>
      let explained: Promise<never[]> | null = null
      // A part of a larger statement is never awaited.
      const explainNow = async () => {
        Object.defineProperty(query, 'then', { value: Object.getPrototypeOf(query).then })
        plans.push(await explainStatement(sql, query))
        return []
      }
      Object.defineProperty(query, 'then', {
        configurable: true,
        value(onDone: () => unknown, onError: () => unknown) {
          explained ??= explainNow()
          return explained.then(onDone, onError)
        },
      })
      return query
    },
  })
  try {
    await run(explaining)
    return plans
  } finally {
    await sql.end({ timeout: 1 })
  }
}

async function explainStatement(sql: Sql, query: ReturnType<Sql>): Promise<Explained> {
  const { string } = await query.describe()
  const { parameters } = query as unknown as { parameters: unknown[] }
  const values = parameters.map(literal).join(', ')
  await sql.unsafe(`PREPARE explained AS ${string}`).simple()
  const [row] = await sql
    .unsafe<{ 'QUERY PLAN': [{ Plan: PlanNode }] }[]>(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE explained ${parameters.length > 0 ? `(${values})` : ''}`,
    )
    .simple()
  await sql.unsafe('DEALLOCATE explained').simple()
  return read(row!['QUERY PLAN'][0].Plan)
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return 'NULL'
  if (!Array.isArray(value)) return `'${String(value).replaceAll("'", "''")}'`
  const items = value.map((item) =>
    item === null ? 'NULL' : `"${String(item).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
  )
  return literal(`{${items.join(',')}}`)
}

function read(root: PlanNode): Explained {
  const all = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(all)]
  const nodes = all(root)
  return {
    nodes,
    rowsRead: (table) =>
      nodes
        .filter((node) => node['Relation Name'] === table && node['Node Type'].includes('Scan'))
        .reduce(
          (sum, node) =>
            sum + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
          0,
        ),
    indexes: nodes.flatMap((node) => (node['Actual Loops'] > 0 && node['Index Name']) || []),
    buffers: root['Shared Hit Blocks'] + root['Shared Read Blocks'],
  }
}
