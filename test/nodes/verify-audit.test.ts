import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { entities } from '../../src/entities.ts'
import { openStore } from '../../src/platform/database/store.ts'
import { createLog } from '../../src/platform/log.ts'
import { CreateProjectDocument } from '../gql/graphql.ts'
import { currentLane, databaseUrlOf, environmentOf, temporaryDirectory } from '../kit/lane.ts'
import { runToEnd, startNode } from '../kit/nodes.ts'
import { signUp, uuidIn } from '../kit/people.ts'
import { copyTemplate } from '../kit/server.ts'

// The script as an operator runs it, on the trail of a server that ran and stopped.

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const files = temporaryDirectory()
const noOrganization = '00000000-0000-0000-0000-000000000000'
let database: Awaited<ReturnType<typeof copyTemplate>>
let env: Record<string, string>

beforeAll(async () => {
  database = await copyTemplate()
  // In production, where there is no demo workspace with a trail of its own.
  env = environmentOf(currentLane, database.name, database.dataDir, { NODE_ENV: 'production' })
})
afterAll(async () => {
  await database.remove()
  await files.remove()
  vi.resetConfig()
})

async function verifying(...args: readonly string[]) {
  const { code, stdout, stderr } = await runToEnd('verifyAudit', { env, args })
  expect(stderr).toBe('')
  const lines = stdout.split('\n').filter(Boolean)
  return { code, lines: lines.map((line) => JSON.parse(line)), stdout }
}

/** Changes the database as somebody who owns it can. */
async function tampering(...statements: readonly string[]) {
  const databaseUrl = currentLane === 'embedded' ? null : databaseUrlOf(database.name)
  const log = createLog({ level: 'silent' })
  const store = await openStore({ databaseUrl, directory: database.dataDir, entities, log, onFailure: () => undefined })
  try {
    for (const statement of statements) await sql.raw(statement).execute(store.database.unscoped)
  } finally {
    await store.close()
  }
}

/** Runs a server in which somebody makes something, and answers their organization and what the log was told of it. */
async function serving() {
  await using node = await startNode({ env })
  const person = await signUp(node, 'Alice')
  for (const name of ['one', 'two', 'three']) await person.mutate(CreateProjectDocument, { input: { name } })
  await person.close()
  const { stdout } = await node.stop()
  return { chain: uuidIn(person.organizationId), log: stdout }
}

test('a trail is whole until somebody edits it, and what a log was told shows that it was set back', async () => {
  const { chain, log } = await serving()
  const whole = await verifying()
  const ofChain = { chain, sealed: 4, waiting: 0, faults: [], faultCount: 0 }
  // Before it that of no organization: of each other chain's head it has at least what it was at the end.
  const ofNone = { chain: noOrganization, waiting: 0, faults: [], faultCount: 0 }
  const warning = expect.stringContaining('--heads')
  expect(whole).toMatchObject({ code: 0, lines: [ofNone, ofChain, { chains: 2, waiting: 0, faults: 0, warning }] })

  const logged = join(files.path, 'log.jsonl')
  writeFileSync(logged, `> npm start\n${log}`)
  const beside = await verifying('--heads', logged)
  expect(beside).toMatchObject({ code: 0, lines: [ofNone, ofChain, { faults: 0 }] })
  expect(beside.stdout).not.toContain('warning')
  const { stdout, lines } = await verifying('--export-heads')
  expect(lines).toMatchObject([{ chain: noOrganization }, { chain, seq: 4, msg: 'audit head' }])
  const exported = join(files.path, 'heads.jsonl')
  writeFileSync(exported, stdout)

  const off = (table: string) => `alter table ${table} disable trigger user`
  const on = (table: string) => `alter table ${table} enable trigger user`
  const second = `select event_id from audit_seal where seq = 2 and chain = '${chain}'`
  const edit = `update audit_event set actor = 'user_x' where id = (${second})`
  const kind = 'DIFFERS_FROM_RECORDED'
  await tampering(off('audit_event'), off('audit_seal'), edit)
  const edited = await verifying()
  const fault = { kind: 'EVENT_CHANGED', seq: 2, eventId: expect.any(String) }
  expect(edited).toMatchObject({
    code: 1,
    lines: [ofNone, { ...ofChain, faults: [fault], faultCount: 1 }, { faults: 1 }],
  })

  // The whole chain, its head included.
  const ofThis = ['audit_seal', 'audit_head'].map((table) => `delete from ${table} where chain = '${chain}'`)
  await tampering(`delete from audit_event where organization_id = '${chain}'`, ...ofThis)
  const gone = { chain, sealed: 0, faults: expect.arrayContaining([expect.objectContaining({ kind, seq: 4 })]) }
  expect(await verifying()).toMatchObject({ code: 1, lines: [ofNone, gone, { chains: 2 }] })

  // That of no organization as well: the database alone cannot tell.
  await tampering(
    'delete from audit_event',
    'delete from audit_seal',
    'delete from audit_head',
    on('audit_event'),
    on('audit_seal'),
  )
  expect(await verifying()).toMatchObject({ code: 0, lines: [{ chains: 0 }] })
  for (const path of [logged, exported]) {
    const found = await verifying('--heads', path)
    const faults = [{ kind: 'DIFFERS_FROM_KEPT' }]
    expect(found).toMatchObject({
      code: 1,
      lines: [{ chain: noOrganization, faults }, { chain, faults }, { faults: 2 }],
    })
  }

  // Written by hand, never sealed, and long ago; as if a sealer had been kept from it.
  const values = `'${chain}', '${chain}', 'page.create', 'allowed', 'by hand', '2026-01-01'`
  const byHand = `insert into audit_event (id, organization_id, action, outcome, request_id, at) values (${values})`
  await tampering(off('audit_event'), byHand, on('audit_event'))
  const unsealed = { chain, faults: [{ kind: 'NOT_SEALED', eventId: chain }] }
  expect(await verifying()).toMatchObject({ code: 1, lines: [unsealed, { faults: 1 }] })
})

test('after a change of the secret the heads are signed anew, but for those of chains that are not whole', async () => {
  const [one, other] = [await serving(), await serving()]
  const edit = `update audit_event set actor = 'user_x' where id in (select event_id from audit_seal where chain = '${other.chain}' and seq = 2)`
  await tampering('alter table audit_event disable trigger user', edit, 'alter table audit_event enable trigger user')
  env = { ...env, SIGNING_KEY_SECRET: Buffer.alloc(32, 'n').toString('base64') }
  const faultsOf = async (...args: string[]) => {
    const { lines } = await verifying(...args)
    const found = [one, other].map(({ chain }) => lines.find((line) => line.chain === chain))
    return found.map((report) => report.faults.map(({ kind }: { kind: string }) => kind))
  }
  expect(await faultsOf()).toEqual([['HEAD_FORGED'], ['EVENT_CHANGED', 'HEAD_FORGED']])
  expect(await faultsOf('--sign-heads')).toEqual([[], ['EVENT_CHANGED', 'HEAD_FORGED']])
  expect(await faultsOf()).toEqual([[], ['EVENT_CHANGED', 'HEAD_FORGED']])
})

test('a file without heads, or one that is not there, is refused in one sentence', async () => {
  const empty = join(files.path, 'empty')
  writeFileSync(empty, 'nothing\n{"msg":"listening"}\n')
  for (const args of [
    ['--heads', empty],
    ['--heads', join(files.path, 'missing')],
  ]) {
    const { code, stdout, stderr } = await runToEnd('verifyAudit', { env, args })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^ocean-graph verified nothing: (There is no head|ENOENT)[^\n]+\n$/)
  }
})
