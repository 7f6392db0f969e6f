import { print } from 'graphql'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  BlockDocument,
  ConvertBlockDocument,
  CreateBlocksDocument,
  DeleteBlockDocument,
  EditBlockTextDocument,
  MergeBlocksDocument,
  MoveBlockDocument,
  PageDocument,
  PageEventsDocument,
  RemoveMemberDocument,
  SplitBlockDocument,
  UpdateBlockDocument,
} from '../gql/graphql.ts'
import { createTestClient } from '../kit/client.ts'
import { environmentOf } from '../kit/lane.ts'
import { type ApiNode, startNode } from '../kit/nodes.ts'
import { type Person, signUp } from '../kit/people.ts'
import { type PrivateService, startPrivateRedis } from '../kit/private-services.ts'
import { copyTemplate } from '../kit/server.ts'
import { createPage, write } from '../kit/test.ts'
import { ask, callerOf, doorsFor } from '../laws/doors.ts'
import { base64, copyOf, edit, send } from '../modules/ocean/blocks/typist.ts'
import { enroll } from './access-stage.ts'

// Who may not edit a text, edits it through no door of any node: what is stored stays byte for byte, and nobody hears of
// anything.

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

let database: Awaited<ReturnType<typeof copyTemplate>>
let redis: PrivateService
let nodes: readonly ApiNode[]
let alice: Person
const opened: { close(): Promise<void> }[] = []

beforeAll(async () => {
  database = await copyTemplate()
  redis = await startPrivateRedis()
  const env = { ...environmentOf('services', database.name, database.dataDir), REDIS_URL: redis.url }
  nodes = await Promise.all([startNode({ env }), startNode({ env })])
  alice = opening(await signUp(first(), 'Alice'))
})
afterAll(async () => {
  await Promise.all(opened.map((person) => person.close()))
  const exits = await Promise.all((nodes ?? []).map((node) => node.stop()))
  await redis?.close()
  await database?.remove()
  vi.resetConfig()
  for (const exit of exits) expect(exit).toMatchObject({ code: 0, stderr: '' })
})

test('Open WebUI CVE-2026-44564: a reader edits no document', async () => {
  const viewer = opening(await enroll(first(), alice, 'Viewer', database.dataDir, 'VIEWER'))
  await expectRefused(viewer, 'FORBIDDEN')
})

test('nobody edits a document of another organization', async () => {
  await expectRefused(opening(await signUp(first(), 'Stranger')), 'NOT_FOUND')
})

test('who was a member and typed edits no document any more', async () => {
  const removed = opening(await enroll(first(), alice, 'Removed', database.dataDir))
  await expectRefused(removed, 'UNAUTHENTICATED', async (id) => {
    const typed = edit(await copyOf(removed, id), (text) => text.insert(0, 'typed '))
    expect(await send(removed, id, typed)).toMatchObject({ __typename: 'Block' })
    const { removeMember } = await alice.mutate(RemoveMemberDocument, { input: { id: removed.membershipId } })
    expect(removeMember.__typename).not.toBe('InvalidInput')
  })
})

test('nobody edits a document without signing in', async () => {
  const anonymous = opening(createTestClient(first().url))
  await expectRefused({ ...anonymous, tokens: null }, 'UNAUTHENTICATED')
})

/** Demands that each edit is refused with this code, at each door of each node, and leaves nothing behind. */
async function expectRefused(
  intruder: Pick<Person, 'url'> & { readonly tokens: { readonly accessToken: string } | null },
  code: string,
  prepare: (id: string) => Promise<void> = async () => {},
): Promise<void> {
  const page = await createPage(alice, 'A page')
  const [id = '', otherId = ''] = await write(alice, page.id, 'one two', 'three')
  await send(
    alice,
    id,
    edit(await copyOf(alice, id), (text) => text.insert(3, ' and')),
  )
  // Each is at the door already when the right goes.
  const callers = nodes.map(({ url }) => {
    const token = intruder.tokens?.accessToken ?? null
    return {
      url,
      caller: callerOf(
        createTestClient(url, () => token),
        token,
      ),
    }
  })
  for (const { caller } of callers) await ask(caller, 'socket', '{ __typename }', {})
  await prepare(id)
  const before = await seen(id)
  expect(before[0]).toEqual(before[1])
  const update = base64(edit(await copyOf(alice, id), (text) => text.insert(0, 'intruded ')))
  const attempts = [
    [EditBlockTextDocument, { id, update }],
    [UpdateBlockDocument, { id, text: 'intruded' }],
    [SplitBlockDocument, { id, index: 1 }],
    [MergeBlocksDocument, { id: otherId, intoId: id }],
    [MergeBlocksDocument, { id, intoId: otherId }],
    [ConvertBlockDocument, { id, type: 'QUOTE' }],
    [MoveBlockDocument, { id, afterId: otherId }],
    [DeleteBlockDocument, { id }],
    [CreateBlocksDocument, { pageId: page.id, blocks: [{ text: 'intruded' }] }],
  ] as const
  const { page: now } = await alice.query(PageDocument, { id: page.id })
  const events = alice.subscribe(PageEventsDocument, { pageId: page.id, after: now?.eventsCursor ?? '' })
  for (const { url, caller } of callers) {
    for (const door of doorsFor('mutation')) {
      for (const [document, input] of attempts) {
        const answer = await ask(caller, door, print(document), { input })
        const refusal = code === 'UNAUTHENTICATED' ? /UNAUTHENTICATED|closed with 44/ : new RegExp(code)
        expect(answer, `${door} of ${url}`).toMatch(refusal)
        expect(answer).not.toMatch(/"text"|SplitBlocks|CreatedBlocks/)
      }
    }
    await caller.socket.dispose()
    await caller.client.close()
  }
  expect(await seen(id)).toEqual(before)
  // The next thing that anybody hears of the page is somebody else's.
  await write(alice, page.id, 'next')
  expect((await events.next()).pageEvents.__typename).toBe('BlockCreated')
  events.stop()
}

/** A block as each node shows it. */
async function seen(id: string) {
  return Promise.all(
    nodes.map(async ({ url }) => {
      const client = createTestClient(url, () => alice.tokens.accessToken)
      const { block } = await client.query(BlockDocument, { id })
      await client.close()
      return block
    }),
  )
}

function first(): ApiNode {
  const [node] = nodes
  if (node === undefined) throw new Error('There is no node')
  return node
}

function opening<One extends { close(): Promise<void> }>(person: One): One {
  opened.push(person)
  return person
}
