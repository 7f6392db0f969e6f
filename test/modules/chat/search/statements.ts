import { z } from 'zod'
import type { TestServer } from '../../../kit/server.ts'

/** A statement as a server sent it. */
export interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
}

interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string | undefined
  readonly Plans?: readonly Plan[] | undefined
}
const planSchema: z.ZodType<Plan> = z.lazy(() =>
  z.looseObject({
    'Node Type': z.string(),
    'Relation Name': z.string().optional(),
    Plans: z.array(planSchema).optional(),
  }),
)
const explainedSchema = z.tuple([z.object({ 'QUERY PLAN': z.tuple([z.object({ Plan: planSchema })]) })])

/** Notes what a server sends from now on, those of its connections that are open already as well, until it is asked. */
export function noteStatements({ app }: TestServer): (about: RegExp) => Statement[] {
  const noted: Statement[] = []
  const watched = new WeakSet<object>()
  app.platform.database.pool.on('acquire', (client) => {
    if (watched.has(client)) return
    watched.add(client)
    client.query = new Proxy(client.query, {
      apply: (query, self, parameters) => {
        const [text, values] = parameters
        if (typeof text === 'string') noted.push({ text, values: Array.isArray(values) ? values : [] })
        return Reflect.apply(query, self, parameters)
      },
    })
  })
  return (about) => noted.splice(0).filter(({ text }) => about.test(text) && !/^explain/.test(text))
}

/** Tables that a statement would be answered by reading from end to end. */
export async function tablesScanned({ app }: TestServer, { text, values }: Statement): Promise<string[]> {
  const { rows } = await app.platform.database.pool.query(`explain (format json) ${text}`, [...values])
  const [explained] = explainedSchema.parse(rows)
  return nodesOf(explained['QUERY PLAN'][0].Plan).flatMap((node) =>
    node['Node Type'] === 'Seq Scan' ? [node['Relation Name'] ?? ''] : [],
  )
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]
}
