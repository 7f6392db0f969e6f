import { expect } from 'vitest'
import { createManyOnce, IdempotencyKeyReused } from '../../src/platform/idempotency.ts'
import { newUuid } from '../../src/platform/uuid.ts'
import {
  CreateBlocksDocument,
  CreatePageDocument,
  type CreatePageInput,
  CreateProjectDocument,
  PagesDocument,
} from '../gql/graphql.ts'
import { test } from '../kit/clocked.ts'
import { contextOf, setRole } from '../kit/inside.ts'
import { type Person, signIn, signUpInto, uuidIn } from '../kit/people.ts'
import { createPage, write } from '../kit/test.ts'

/** The id of the page that was made, or the type of what came instead. */
async function make(person: Person, input: CreatePageInput): Promise<string> {
  const { createPage: result } = await person.mutate(CreatePageDocument, { input })
  return result.__typename === 'Page' ? result.id : result.__typename
}

async function pagesOf(person: Person): Promise<string[]> {
  return (await person.query(PagesDocument, {})).pages.nodes.map((page) => page.id)
}

test('the same key and input again make nothing new and answer the same object', async ({ alice }) => {
  const input = { title: 'Once', icon: '🌊', idempotencyKey: 'key' }
  const id = await make(alice, input)
  expect(await make(alice, input)).toBe(id)
  // The same input after its rules are applied, in another order and with nulls spelled out.
  expect(await make(alice, { idempotencyKey: 'key', projectId: null, icon: '🌊', title: ' Once ' })).toBe(id)
  expect(await pagesOf(alice)).toEqual([id])
  const without = { title: 'Once', icon: '🌊' }
  expect(await make(alice, without)).not.toBe(await make(alice, without))
})

test('of 10 at once with one key one makes the object and all answer it', async ({ clocked, alice }) => {
  const input = { title: 'Once', idempotencyKey: 'key' }
  const ids = await Promise.all(Array.from({ length: 10 }, () => make(alice, input)))
  expect(new Set(ids).size).toBe(1)
  expect(await pagesOf(alice)).toEqual([ids[0]])
  const { unscoped } = clocked.app.platform.database
  const rows = unscoped.selectFrom('idempotency_key').selectAll().where('actor_id', '=', uuidIn(alice.userId))
  expect(await rows.execute()).toMatchObject([{ field: 'createPage', key: 'key', object_ids: [uuidIn(ids[0] ?? '')] }])
})

test('a repeated append answers the same blocks and appends nothing', async ({ alice, bob }) => {
  const page = await createPage(alice, 'A page')
  const input = { pageId: page.id, blocks: [{ text: 'one' }, { text: 'two' }], idempotencyKey: 'key' }
  const [first, second] = await Promise.all([0, 1].map(() => alice.mutate(CreateBlocksDocument, { input })))
  expect(first?.createBlocks).toMatchObject({ blocks: [{ text: 'one' }, { text: 'two' }] })
  expect(second?.createBlocks).toMatchObject({
    blocks: first?.createBlocks.__typename === 'CreatedBlocks' ? first.createBlocks.blocks : 'none',
  })
  await write(bob, page.id, 'three')
  const third = await alice.mutate(CreateBlocksDocument, { input })
  expect(third.createBlocks).toMatchObject({ blocks: [{ text: 'one' }, { text: 'two' }] })
})

test('a repeat on a newer node, whose input has more optional fields, makes nothing new', async ({
  clocked,
  alice,
}) => {
  const make = async (input: object): Promise<readonly string[]> => {
    const ctx = await contextOf(clocked, alice)
    return createManyOnce(ctx, 'createThings', { ...input, idempotencyKey: 'key' }, async (tx) => [newUuid(tx.now)])
  }
  const at = new Date(0)
  const ids = await make({ name: 'one', at, parts: [{ text: 'a' }, null] })
  expect(await make({ name: 'one', at, icon: null, parts: [{ text: 'a', type: null }, null] })).toEqual(ids)
  for (const other of [
    { name: 'one', at, icon: '', parts: [{ text: 'a' }, null] },
    { name: 'one', at, parts: [{ text: 'a' }] },
    { name: 'one', at, parts: [{}, null] },
    { name: 'one', at: new Date(1), parts: [{ text: 'a' }, null] },
  ]) {
    await expect(make(other), JSON.stringify(other)).rejects.toThrow(IdempotencyKeyReused)
  }
})

test('the same key with another input is an error, and what it made before stands', async ({ alice }) => {
  const id = await make(alice, { title: 'Once', idempotencyKey: 'key' })
  expect(await make(alice, { title: 'Twice', idempotencyKey: 'key' })).toBe('IdempotencyKeyReused')
  expect(await make(alice, { title: 'Once', icon: 'x', idempotencyKey: 'key' })).toBe('IdempotencyKeyReused')
  expect(await pagesOf(alice)).toEqual([id])
})

test('of many at once with one key and different inputs one wins and the others are told', async ({ alice }) => {
  const results = await Promise.all(
    Array.from({ length: 6 }, (_, index) => make(alice, { title: `Page ${index}`, idempotencyKey: 'key' })),
  )
  expect(results.filter((result) => result === 'IdempotencyKeyReused')).toHaveLength(5)
  expect(await pagesOf(alice)).toHaveLength(1)
})

test('a key is its actor’s, in one organization and for one field', async ({ clocked, alice, bob, stranger }) => {
  const input = { title: 'Once', idempotencyKey: 'key' }
  const ids = [await make(alice, input), await make(bob, input), await make(stranger, input)]
  expect(new Set(ids).size).toBe(3)
  const project = await alice.mutate(CreateProjectDocument, { input: { name: 'Once', idempotencyKey: 'key' } })
  expect(project.createProject.__typename).toBe('Project')

  // One person who moves to another organization.
  const carol = await signUpInto(clocked, stranger, 'Carol', 'EDITOR')
  const first = await make(carol, input)
  const { unscoped } = clocked.app.platform.database
  const there = { organization_id: uuidIn(alice.organizationId) }
  await unscoped.updateTable('membership').set(there).where('user_id', '=', uuidIn(carol.userId)).execute()
  await unscoped
    .updateTable('device_session')
    .set({ active_organization_id: there.organization_id })
    .where('user_id', '=', uuidIn(carol.userId))
    .execute()
  Object.assign(carol.tokens, { accessToken: await tokenFor(carol) })
  const second = await make(carol, input)
  expect(second).toMatch(/^page_/)
  expect(second).not.toBe(first)
  expect(await pagesOf(alice)).toContain(second)
  await carol.close()
})

async function tokenFor(person: Person): Promise<string> {
  const again = await signIn({ url: person.url }, person.email)
  await again.close()
  return again.tokens.accessToken
}

test('a repeat answers with the rights of today', async ({ clocked, bob }) => {
  const input = { title: 'Once', idempotencyKey: 'key' }
  await make(bob, input)
  await setRole(clocked, bob, 'VIEWER')
  const { errors } = await bob.send(CreatePageDocument, { input })
  expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN')
})

test('after a day the key is free again', async ({ clocked, alice }) => {
  const input = { title: 'Once', idempotencyKey: 'key' }
  const first = await make(alice, input)
  clocked.clock.advance({ hours: 23 })
  Object.assign(alice.tokens, { accessToken: await tokenFor(alice) })
  expect(await make(alice, input)).toBe(first)
  // A repeat does not prolong it.
  clocked.clock.advance({ hours: 1, seconds: 1 })
  Object.assign(alice.tokens, { accessToken: await tokenFor(alice) })
  const second = await make(alice, { ...input, title: 'Again' })
  expect(second).toMatch(/^page_/)
  expect(second).not.toBe(first)
  expect(await make(alice, input)).toBe('IdempotencyKeyReused')
})
