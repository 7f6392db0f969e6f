import { createApp } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'

// The API as it is, which notes the statements of searches from `note` on, and answers `plans` with what Postgres makes of them.

const ABOUT = /search_(text|word|chunk|vector)/
/** What nobody would read of a line: ids by the hundred. */
const MAX_LINE = 200

interface Statement {
  readonly text: string
  readonly values: unknown[]
}

const app = await createApp(loadConfig(process.env))
const { pool } = app.platform.database
const noted: Statement[] = []
const watched = new WeakSet<object>()
let isNoting = false

pool.on('acquire', (client) => {
  if (watched.has(client)) return
  watched.add(client)
  client.query = new Proxy(client.query, {
    apply: (query, self, parameters) => {
      const [text, values] = parameters
      if (isNoting && typeof text === 'string' && ABOUT.test(text) && !/^\s*(insert|update|delete)/i.test(text)) {
        noted.push({ text, values: Array.isArray(values) ? values : [] })
      }
      return Reflect.apply(query, self, parameters)
    },
  })
})
process.on('message', async (message) => {
  isNoting = message === 'note'
  const plans: string[] = []
  for (const { text, values } of noted.splice(0)) plans.push(await planOf(text, values))
  process.send?.(plans.join('\n\n'))
})
process.on('SIGTERM', () => void app.close().then(() => process.exit(0)))
app.platform.log.info(await app.listen(), 'listening')

async function planOf(text: string, values: unknown[]): Promise<string> {
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`explain (analyze, buffers, costs off) ${text}`, values)
  const lines = [text.trim().replace(/\s+/g, ' '), ...rows.map((row) => row['QUERY PLAN'])]
  return lines.map((line) => line.slice(0, MAX_LINE)).join('\n')
}
