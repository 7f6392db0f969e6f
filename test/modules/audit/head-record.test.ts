import { sql } from 'kysely'
import { expect } from 'vitest'
import { databaseTrail } from '../../../src/modules/audit/chain.reads.ts'
import { genesis, headSigner, noOrganization, signHead } from '../../../src/modules/audit/chain.service.ts'
import { createHeadRecorder } from '../../../src/modules/audit/head-record.service.ts'
import { createSealing, sealPending } from '../../../src/modules/audit/seal.service.ts'
import { verifyTrail } from '../../../src/modules/audit/verification.service.ts'
import { newUuid } from '../../../src/platform/uuid.ts'
import { AuditEventsDocument, CreateProjectDocument } from '../../gql/graphql.ts'
import { testSecrets } from '../../kit/lane.ts'
import { uuidIn } from '../../kit/people.ts'
import { startServer, type TestServer } from '../../kit/server.ts'
import { test } from '../../kit/test.ts'

const signer = headSigner(Buffer.from(testSecrets.SIGNING_KEY_SECRET, 'base64'))

test('a chain is recorded when it begins and once a minute while it moves, in no trail but that of no organization', async () => {
  const server = await startServer()
  try {
    const chain = newUuid(server.clock.now())
    await write(server, chain, 2)
    await expect.poll(() => seqsRecorded(server, chain)).toEqual([2])
    // Quiet for the rest of that minute: what moves in it is recorded at its end.
    await write(server, chain, 1)
    await sealed(server, chain, 3)
    await write(server, chain, 1)
    await sealed(server, chain, 4)
    expect(await seqsRecorded(server, chain)).not.toContain(4)
    server.clock.advance({ seconds: 60 })
    await expect.poll(() => seqsRecorded(server, chain)).toContain(4)
    const recorded = await seqsRecorded(server, chain)
    // A chain that rests, and that of no organization, which moved with each record, are not recorded.
    server.clock.advance({ seconds: 60 })
    await write(server, null, 1)
    await expect.poll(() => faultsOf(server)).toEqual([])
    expect(await seqsRecorded(server, chain)).toEqual(recorded)
    expect(await seqsRecorded(server, noOrganization)).toEqual([])
    expect(await sealed(server, chain, 4)).toBe(true)
  } finally {
    await server.close()
  }
})

test('a chain that is deleted as a whole, or set back with a head that was signed, is missed', async () => {
  const server = await startServer()
  try {
    const { unscoped } = server.app.platform.database
    const [deleted, setBack] = [newUuid(server.clock.now()), newUuid(server.clock.now())] as const
    for (const chain of [deleted, setBack]) await write(server, chain, 1)
    for (const chain of [deleted, setBack]) await sealed(server, chain, 1)
    const heads = unscoped.selectFrom('audit_head').selectAll().where('chain', '=', setBack)
    const { seq, hash, signed_at, signature } = await heads.executeTakeFirstOrThrow()
    await write(server, setBack, 1)
    server.clock.advance({ seconds: 60 })
    await expect.poll(() => seqsRecorded(server, setBack)).toEqual([1, 2])
    await expect.poll(() => faultsOf(server)).toEqual([])

    for (const table of ['audit_event', 'audit_seal'])
      await sql`alter table ${sql.table(table)} disable trigger user`.execute(unscoped)
    await sql`delete from audit_event where organization_id = ${deleted} or id in (select event_id from audit_seal where chain = ${setBack} and seq = 2)`.execute(
      unscoped,
    )
    await sql`delete from audit_seal where chain = ${deleted} or (chain = ${setBack} and seq = 2)`.execute(unscoped)
    await unscoped.deleteFrom('audit_head').where('chain', '=', deleted).execute()
    const old = { seq, hash, signed_at, signature }
    await unscoped.updateTable('audit_head').set(old).where('chain', '=', setBack).execute()
    expect(await faultsOf(server)).toEqual([
      [deleted, 'DIFFERS_FROM_RECORDED', 1],
      [setBack, 'DIFFERS_FROM_RECORDED', 2],
    ])
  } finally {
    await server.close()
  }
})

test('a head that nobody recorded is recorded at a start, once, unless somebody else signed it', async ({ server }) => {
  const { database, clock } = server.app.platform
  const [ours, forged] = [newUuid(clock.now()), newUuid(clock.now())] as const
  const heads = [ours, forged].map((chain) => {
    const head = signHead(signer, { chain, seq: 7, hash: genesis }, clock.now())
    return { chain, seq: 7, hash: genesis, signed_at: head.signedAt, signature: head.signature }
  })
  const rows = heads.map((head) => (head.chain === forged ? { ...head, signature: '0'.repeat(128) } : head))
  await database.unscoped.insertInto('audit_head').values(rows).execute()
  try {
    for (let start = 0; start < 2; start += 1) await writeAll(server)
    expect(await seqsRecorded(server, ours)).toEqual([7])
    expect(await seqsRecorded(server, forged)).toEqual([])
  } finally {
    await database.unscoped.deleteFrom('audit_head').where('chain', 'in', [ours, forged]).execute()
  }
})

test('a record is not in the trail that an organization reads', async ({ server, alice }) => {
  await alice.mutate(CreateProjectDocument, { input: { name: 'A plan' } })
  await sealPending(createSealing(server.app.platform, signer, () => undefined))
  await writeAll(server)
  expect((await seqsRecorded(server, uuidIn(alice.organizationId))).length).toBeGreaterThan(0)
  const { auditEvents } = await alice.query(AuditEventsDocument, { first: 50 })
  expect(auditEvents.nodes.map(({ action }) => action)).not.toContain('audit.head')
})

/** Has a recorder write down all heads: a batch of 500 with each writing, and other tests have organizations here too. */
async function writeAll({ app }: TestServer): Promise<void> {
  const { database, clock } = app.platform
  const { rows: known } = await sql<{ count: number }>`select count(*)::int as count from audit_head`.execute(
    database.unscoped,
  )
  const batches = Math.ceil((known[0]?.count ?? 0) / 500) + 1
  const recorder = createHeadRecorder(database.unscoped, signer, clock)
  for (let batch = 0; batch < batches; batch += 1) await recorder.write()
}

function write(server: TestServer, chain: string | null, count: number) {
  const at = server.clock.now()
  const rows = Array.from({ length: count }, () => {
    const event = { action: 'page.create', outcome: 'allowed' as const, request_id: 'a request' }
    return { ...event, id: newUuid(at), organization_id: chain, at }
  })
  return server.app.platform.database.unscoped.insertInto('audit_event').values(rows).execute()
}

async function sealed(server: TestServer, chain: string, count: number): Promise<boolean> {
  const seals = server.app.platform.database.unscoped.selectFrom('audit_seal').select('seq').where('chain', '=', chain)
  await expect.poll(() => seals.execute()).toHaveLength(count)
  return true
}

async function seqsRecorded(server: TestServer, chain: string): Promise<number[]> {
  const trail = databaseTrail(server.app.platform.database.unscoped)
  return (await Array.fromAsync(trail.recorded(chain))).flat().map(({ seq }) => seq)
}

/** In one snapshot, as the script does it; faults of what waits are none within a minute of the server's clock. */
function faultsOf(server: TestServer) {
  const snapshot = server.app.platform.database.unscoped.transaction().setIsolationLevel('repeatable read')
  return snapshot.execute(async (db) => {
    const reports = await Array.fromAsync(verifyTrail(databaseTrail(db), { signer, now: server.clock.now() }))
    return reports.flatMap(({ chain, faults }) => faults.map(({ kind, seq }) => [chain, kind, seq]))
  })
}
