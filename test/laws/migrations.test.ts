import { sql } from 'kysely'
import { expect } from 'vitest'
import { entities } from '../../src/entities.ts'
import { openDatabase } from '../../src/platform/database/database.ts'
import { createLog } from '../../src/platform/log.ts'
import { newUuid } from '../../src/platform/uuid.ts'
import { trailOf } from '../kit/inside.ts'
import { signUp } from '../kit/people.ts'
import { startServer } from '../kit/server.ts'
import { test } from '../kit/test.ts'

test('the migrations say what the entities say (npm run migrate:new)', async () => {
  expect(await needsMigration(entities)).toBe(false)
})

test('an entity without its migration is noticed', async () => {
  expect(await needsMigration(entities.slice(1))).toBe(true)
})

test('the migrated database is what the entities say', async ({ server }) => {
  expect(await server.app.platform.database.orm.schema.getUpdateSchemaSQL()).toBe('')
})

test('a database that is not what the entities say is noticed', async () => {
  const server = await startServer()
  try {
    const { orm, unscoped } = server.app.platform.database
    await sql`alter table page alter column title drop not null`.execute(unscoped)
    expect(await orm.schema.getUpdateSchemaSQL()).toContain('"title"')
  } finally {
    await server.close()
  }
})

test('an unknown outcome is refused by the database', async ({ server, alice }) => {
  const { unscoped } = server.app.platform.database
  const [event] = await trailOf(server, alice)
  // Not by a change of the row, which is refused whatever it is.
  const unknown = { ...event, id: newUuid(server.clock.now()), outcome: 'perhaps' }
  const insert = unscoped.insertInto('audit_event').values(unknown as never)
  await expect(insert.execute()).rejects.toThrow('audit_event_outcome_check')
})

test.each([['role', 'membership', { role: 'KING' }]] as const)(
  'an unknown %s is refused by the database',
  async (column, table, values) => {
    const server = await startServer()
    try {
      await signUp(server, 'Alice')
      const { unscoped } = server.app.platform.database
      const change = unscoped.updateTable(table).set(values as never)
      await expect(change.execute()).rejects.toThrow(`${table}_${column}_check`)
    } finally {
      await server.close()
    }
  },
)

/** Compares with the snapshot beside the migrations, so no database is reached. */
async function needsMigration(list: typeof entities): Promise<boolean> {
  const log = createLog({ level: 'warn' })
  const connection = { host: '127.0.0.1', database: 'none' }
  const database = openDatabase({ connection, poolMax: 1, entities: list, log })
  try {
    return await database.orm.migrator.checkSchema()
  } finally {
    await database.close()
  }
}
