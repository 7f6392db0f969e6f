import { expect } from 'vitest'
import { applyEdit } from '../../../../src/lib/rich-text.ts'
import { changeText } from '../../../../src/modules/ocean/blocks/block-text.service.ts'
import { transact } from '../../../../src/platform/database/transact.ts'
import { AccessMoved } from '../../../../src/platform/errors.ts'
import { requireViewer } from '../../../../src/platform/gate.ts'
import { BlockDocument, PageDocument } from '../../../gql/graphql.ts'
import { test } from '../../../kit/clocked.ts'
import { contextOf, trailOf } from '../../../kit/inside.ts'
import { uuidIn } from '../../../kit/people.ts'
import { makeKey, programOf } from '../../../kit/programs.ts'
import { createPage, write } from '../../../kit/test.ts'
import { base64, copyOf, edit, send, type } from './typist.ts'

const minute = 60_000

test('typing leaves one row in the trail for each actor, block and minute', async ({ clocked, alice, bob }) => {
  const page = await createPage(alice, 'A page')
  const [one = '', other = ''] = await write(alice, page.id, '', '')
  const { secret } = await makeKey(alice, { permissions: ['page.read', 'block.read', 'block.edit_text'] })
  const key = programOf(alice, secret)
  // To the begin of a minute: what follows must not run over its end.
  clocked.clock.advance({ seconds: 60 - (clocked.clock.now().getTime() % minute) / 1_000 })
  for (const person of [alice, alice, bob, alice, bob, key, key]) await type(person, one, (text) => text.insert(0, 'a'))
  await type(alice, other, (text) => text.insert(0, 'a'))
  const typing = async () => (await trailOf(clocked, alice)).filter(({ action }) => action === 'block.edit_text')
  const actors = (await typing()).map(({ actor, target }) => [actor?.split('_')[0], target])
  expect(actors.toSorted()).toEqual(
    [
      ['user', one],
      ['user', one],
      ['api', one],
      ['user', other],
    ].toSorted(),
  )
  clocked.clock.advance({ seconds: 60 })
  for (const person of [alice, bob, bob]) await type(person, one, (text) => text.insert(0, 'a'))
  expect(await typing()).toHaveLength(6)
  await key.close()
})

test('typing touches the page once a minute', async ({ clocked, alice, bob }) => {
  const page = await createPage(alice, 'A page')
  const [id = ''] = await write(alice, page.id, '')
  const read = async () => (await alice.query(PageDocument, { id: page.id })).page
  const { updatedAt } = (await read()) ?? {}
  clocked.clock.advance({ seconds: 30 })
  await type(bob, id, (text) => text.insert(0, 'a'))
  expect(await read()).toMatchObject({ updatedAt, updatedBy: { displayName: 'Alice' } })
  clocked.clock.advance({ seconds: 60 })
  await type(bob, id, (text) => text.insert(0, 'a'))
  const touched = await read()
  expect(touched).toMatchObject({ updatedBy: { displayName: 'Bob' } })
  expect(Date.parse(touched?.updatedAt ?? '')).toBeGreaterThan(Date.parse(updatedAt ?? '') + minute)
  clocked.clock.advance({ seconds: 30 })
  await type(alice, id, (text) => text.insert(0, 'a'))
  expect(await read()).toMatchObject({ updatedAt: touched?.updatedAt, updatedBy: { displayName: 'Bob' } })
})

test('an edit is a fixed and small number of statements', async ({ clocked, alice }) => {
  const page = await createPage(alice, 'A page')
  const [id = ''] = await write(alice, page.id, '')
  await type(alice, id, (text) => text.insert(0, 'a'))
  const { database } = clocked.app.platform
  const costs: number[] = []
  for (let index = 0; index < 5; index += 1) {
    const typed = edit(await copyOf(alice, id), (text) => text.insert(0, 'a'))
    const before = database.statementCount()
    await send(alice, id, typed)
    costs.push(database.statementCount() - before)
  }
  console.log(`an edit: ${Math.min(...costs)} statements`)
  expect(Math.min(...costs)).toBeLessThanOrEqual(12)
})

test('20 edits at once are all kept, and the row says what the document does', async ({ clocked, alice }) => {
  const page = await createPage(alice, 'A page')
  const [id = ''] = await write(alice, page.id, 'start')
  const copies = await Promise.all(Array.from({ length: 20 }, () => copyOf(alice, id)))
  const updates = copies.map((copy, index) => edit(copy, (text) => text.insert(0, `<${index}>`)))
  await Promise.all(updates.map((update) => send(alice, id, update)))
  const { block } = await alice.query(BlockDocument, { id })
  expect(block?.textVersion).toBe(21)
  for (const index of updates.keys()) expect(block?.text).toContain(`<${index}>`)
  expect((await copyOf(alice, id)).getText('text').toString()).toBe(block?.text)
  const stored = await clocked.app.platform.database.unscoped
    .selectFrom('block_text')
    .select('state')
    .where('block_id', '=', uuidIn(id))
    .executeTakeFirstOrThrow()
  for (const update of updates) expect(applyEdit(stored.state, update).isChanged).toBe(false)
})

test('a text whose page went elsewhere since the gate is not changed: the gate is asked again', async ({
  clocked,
  alice,
}) => {
  const page = await createPage(alice, 'A page')
  const [id = ''] = await write(alice, page.id, 'text')
  const { unscoped } = clocked.app.platform.database
  const ctx = await contextOf(clocked, alice)
  const typed = Buffer.from(base64(edit(await copyOf(alice, id), (text) => text.insert(0, 'a'))), 'base64')
  const attempt = (place: { id: string; projectId: string | null }) =>
    transact(ctx, (tx) =>
      changeText(ctx, tx, requireViewer(ctx), { blockId: uuidIn(id), page: place }, (state) => applyEdit(state, typed)),
    )
  const here = { id: uuidIn(page.id), projectId: null }
  const other = await createPage(alice, 'Another')
  await expect(attempt({ ...here, id: uuidIn(other.id) })).rejects.toThrow(AccessMoved)
  await expect(attempt({ ...here, projectId: uuidIn(page.id) })).rejects.toThrow(AccessMoved)
  const archive = (archived_at: Date | null) =>
    unscoped.updateTable('page').set({ archived_at }).where('id', '=', uuidIn(page.id)).execute()
  await archive(clocked.clock.now())
  await expect(attempt(here)).rejects.toThrow(AccessMoved)
  await archive(null)
  expect(await attempt(here)).toMatchObject({ text: 'atext', textVersion: 2 })
})
