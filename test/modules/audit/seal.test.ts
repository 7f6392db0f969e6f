import { sql } from 'kysely'
import { expect } from 'vitest'
import { auditChannel } from '../../../src/modules/audit/audit-event.events.ts'
import { databaseTrail } from '../../../src/modules/audit/chain.reads.ts'
import { type ChainHead, headSigner, noOrganization } from '../../../src/modules/audit/chain.service.ts'
import { createSealing, sealPending } from '../../../src/modules/audit/seal.service.ts'
import { startSealer } from '../../../src/modules/audit/sealer.service.ts'
import { verifyTrail } from '../../../src/modules/audit/verification.service.ts'
import { createLog } from '../../../src/platform/log.ts'
import { newUuid } from '../../../src/platform/uuid.ts'
import { CreateProjectDocument } from '../../gql/graphql.ts'
import { trailOf, unsealedOf } from '../../kit/inside.ts'
import { testSecrets } from '../../kit/lane.ts'
import { type Person, uuidIn } from '../../kit/people.ts'
import { startServer, type TestServer } from '../../kit/server.ts'
import { test } from '../../kit/test.ts'

const signer = headSigner(Buffer.from(testSecrets.SIGNING_KEY_SECRET, 'base64'))
const WRITERS = 16
/** A second, with the fivefold room that a busy machine is given. */
const SEALED_WITHIN_MILLIS = 5_000

test('what sixteen write at once is sealed within a second by two sealers, once each and without a gap', async ({
  server,
  alice,
}) => {
  const stop = startSealer(server.app.platform, signer)
  try {
    const before = await trailOf(server, alice)
    for (let round = 0; round < 3; round += 1) {
      const names = Array.from({ length: WRITERS }, (_, index) => `${round}.${index}`)
      await Promise.all(names.map((name) => alice.mutate(CreateProjectDocument, { input: { name } })))
    }
    await expect.poll(() => unsealedOf(server, alice), { timeout: SEALED_WITHIN_MILLIS, interval: 50 }).toBe(0)
    const seals = await sealsOf(server, alice)
    expect(seals).toHaveLength(before.length + 3 * WRITERS)
    expect(seals.map(({ seq }) => seq)).toEqual(seals.map((_, index) => index + 1))
    expect(await reportOf(server, alice)).toMatchObject({ sealed: seals.length, waiting: 0, faultCount: 0 })
  } finally {
    await stop()
  }
})

test('a row of the trail cannot be changed or deleted, nor can a seal', async ({ server, alice }) => {
  await expect.poll(() => unsealedOf(server, alice)).toBe(0)
  const { unscoped } = server.app.platform.database
  for (const [table, change] of [
    ['audit_event', "action = 'page.delete'"],
    ['audit_seal', 'seq = seq + 1'],
  ]) {
    const statements = [
      `update ${table} set ${change}`,
      `update ${table} set ${change} where false`,
      `delete from ${table}`,
      `truncate ${table}`,
      `truncate ${table} cascade`,
    ]
    for (const statement of statements) {
      await expect(sql.raw(statement).execute(unscoped), statement).rejects.toThrow(`${table} is insert-only`)
    }
  }
})

test('a backlog of many chains is sealed in batches, each chain by one of two at a time', async ({ server, alice }) => {
  const { database, clock } = server.app.platform
  const chains = Array.from({ length: 120 }, () => newUuid(clock.now()))
  const rows = chains.flatMap((chain, index) => events(server, chain, index === 0 ? 1_100 : 2))
  await database.unscoped.insertInto('audit_event').values(rows).execute()
  const heads: ChainHead[] = []
  const sealings = [0, 1].map(() => createSealing(server.app.platform, signer, (head) => void heads.push(head)))
  await Promise.all(sealings.map((sealing) => sealPending(sealing)))
  await expect.poll(() => countOf(server, 'audit_pending', chains)).toBe(0)
  expect(await countOf(server, 'audit_seal', chains)).toBe(rows.length)
  expect(heads.length).toBeGreaterThan(0)
  const [longest = ''] = chains
  const reports = await Promise.all([longest, chains.at(-1) ?? ''].map((chain) => reportOfChain(server, chain)))
  expect(reports).toMatchObject([
    { sealed: 1_100, faultCount: 0 },
    { sealed: 2, faultCount: 0 },
  ])
  expect(await reportOf(server, alice)).toMatchObject({ faultCount: 0 })
})

test('what concerns no organization is sealed in a chain of its own, and told to nobody', async ({ server }) => {
  const { unscoped } = server.app.platform.database
  const rows = events(server, null, 2)
  await unscoped.insertInto('audit_event').values(rows).execute()
  const ids = rows.map(({ id }) => id)
  const seals = unscoped.selectFrom('audit_seal').select('chain').where('event_id', 'in', ids)
  await expect.poll(() => seals.execute()).toEqual(rows.map(() => ({ chain: noOrganization })))
  const channels = unscoped.selectFrom('channel_head').select('channel')
  expect(await channels.where('channel', '=', auditChannel(noOrganization)).execute()).toEqual([])
})

test('a chain whose head was forged or deleted is not gone on with, and no other waits for it', async () => {
  const logged: string[] = []
  const log = createLog({ level: 'warn', destination: { write: (line: string) => void logged.push(line) } })
  const server = await startServer({ log })
  try {
    const { database, clock } = server.app.platform
    const [forged = '', deleted = '', whole = ''] = [1, 2, 3].map(() => newUuid(clock.now()))
    const write = async () => {
      const rows = [forged, deleted, whole].flatMap((chain) => events(server, chain, 1))
      await database.unscoped.insertInto('audit_event').values(rows).execute()
    }
    await write()
    await expect.poll(() => countOf(server, 'audit_pending', [forged, deleted, whole])).toBe(0)
    // As if nothing had been written yet.
    await database.unscoped.updateTable('audit_head').set({ seq: 0 }).where('chain', '=', forged).execute()
    await database.unscoped.deleteFrom('audit_head').where('chain', '=', deleted).execute()
    await write()
    await expect.poll(() => countOf(server, 'audit_seal', [whole])).toBe(2)
    await expect.poll(() => logged.length).toBe(2)
    expect(await countOf(server, 'audit_seal', [forged, deleted])).toBe(2)
    expect(await countOf(server, 'audit_pending', [forged, deleted])).toBe(2)
    const told = logged.map((line) => JSON.parse(line))
    expect(told).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ chain: forged, msg: expect.stringContaining('is not signed') }),
        expect.objectContaining({ chain: deleted, msg: expect.stringContaining('behind its head') }),
      ]),
    )
  } finally {
    await server.close()
  }
})

test('what the last requests wrote is sealed before a server stops', async () => {
  const server = await startServer()
  const { database, clock } = server.app.platform
  const chain = newUuid(clock.now())
  let sealed = 0
  const { pool } = database
  const end = pool.end.bind(pool)
  pool.end = (async () => {
    const { rows } = await pool.query('select seq from audit_seal where chain = $1', [chain])
    sealed = rows.length
    await end()
  }) as typeof pool.end
  await database.unscoped
    .insertInto('audit_event')
    .values(events(server, chain, 3))
    .execute()
  await server.close()
  expect(sealed).toBe(3)
})

function events(server: TestServer, chain: string | null, count: number) {
  const { clock } = server.app.platform
  return Array.from({ length: count }, () => {
    const at = clock.now()
    return {
      id: newUuid(at),
      organization_id: chain,
      actor: null,
      on_behalf_of: null,
      action: 'page.create',
      target: null,
      outcome: 'allowed' as const,
      address: null,
      request_id: 'a request',
      at,
    }
  })
}

async function countOf(server: TestServer, table: 'audit_pending' | 'audit_seal', chains: readonly string[]) {
  const query = server.app.platform.database.unscoped.selectFrom(table).where('chain', 'in', chains)
  return (await query.select((on) => on.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()).count
}

function sealsOf(server: TestServer, person: Person) {
  const query = server.app.platform.database.unscoped.selectFrom('audit_seal').selectAll()
  return query.where('chain', '=', uuidIn(person.organizationId)).orderBy('seq').execute()
}

function reportOf(server: TestServer, person: Person) {
  return reportOfChain(server, uuidIn(person.organizationId))
}

async function reportOfChain(server: TestServer, chain: string) {
  const { database, clock } = server.app.platform
  const trail = { ...databaseTrail(database.unscoped), chains: async () => [chain] }
  const reports = await Array.fromAsync(verifyTrail(trail, { signer, now: clock.now() }))
  return reports[0]
}
