/** Starts the embedded Postgres on a directory and inserts rows until killed; prints `started`, then each acknowledged number. */
import { writeSync } from 'node:fs'
import { Client } from 'pg'
import { startEmbeddedPostgres } from '../../src/platform/database/embedded.ts'

const directory = process.argv[2] ?? ''
// Synchronous, so that what was printed is what was acknowledged, whenever the kill comes.
const say = (line: string | number) => writeSync(1, `${line}\n`)

try {
  const postgres = await startEmbeddedPostgres({ directory })
  const client = new Client({ ...postgres.connection, connectionTimeoutMillis: 10_000, query_timeout: 10_000 })
  await client.connect()
  await client.query('create table if not exists written (number bigserial primary key, filler text)')
  say('started')
  for (;;) {
    const result = await client.query<{ number: string }>(
      `insert into written (filler) values (repeat($1, 500)) returning number`,
      ['x'],
    )
    say(result.rows[0]?.number ?? 'nothing')
  }
} catch (error) {
  say(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
  process.exit(1)
}
