import { expect } from 'vitest'
import { noticeMail } from '../../src/modules/accounts/passwords/notice.jobs.ts'
import { pageChannel } from '../../src/modules/ocean/pages/page.events.ts'
import { pageById } from '../../src/modules/ocean/pages/page.reads.ts'
import { readChannel } from '../../src/platform/channels/log.ts'
import { type Transaction, transact } from '../../src/platform/database/transact.ts'
import { load } from '../../src/platform/loaders.ts'
import { newUuid } from '../../src/platform/uuid.ts'
import { PageEventsDocument } from '../gql/graphql.ts'
import { contextOf } from '../kit/inside.ts'
import { uuidIn } from '../kit/people.ts'
import { blockCreated, test, write } from '../kit/test.ts'

const open = /The transaction of this context is open/

test('beside the open transaction nothing is read or written', async ({ server, alice, page }) => {
  const ctx = await contextOf(server, alice)
  await transact(ctx, async (tx) => {
    expect(() => ctx.db).toThrow(open)
    expect(() => ctx.em).toThrow(open)
    await expect(load(ctx, pageById, uuidIn(page.id))).rejects.toThrow(open)
    const rows = await tx.db.from('page').select('page.title').execute()
    expect(rows).toEqual([{ title: 'A page' }])
  })
  expect(await ctx.db.from('page').select('page.title').execute()).toEqual([{ title: 'A page' }])
  expect(ctx.em).toBe(ctx.em)
})

test('a transaction in a transaction is refused, and the outer one goes on', async ({ server, alice, page }) => {
  const ctx = await contextOf(server, alice)
  await transact(ctx, async (tx) => {
    await expect(transact(ctx, async () => 'inner')).rejects.toThrow(open)
    await rename(tx, page.id, 'Renamed')
    expect(() => ctx.db).toThrow(open)
  })
  expect((await load(ctx, pageById, uuidIn(page.id)))?.title).toBe('Renamed')
})

test('when the work throws, nothing of it remains: rows, events, jobs', async ({ server, alice, bob, page }) => {
  const { database, jobs } = server.app.platform
  const ctx = await contextOf(server, alice)
  const events = bob.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  const mails = server.mails.sent.length
  const failing = transact(ctx, async (tx) => {
    await rename(tx, page.id, 'Renamed')
    tx.record(blockCreated(alice, page, newUuid(tx.now)))
    await tx.enqueue(noticeMail, { to: alice.email, notice: 'PASSWORD_CHANGED' })
    await tx.em.flush()
    throw new Error('Changed my mind')
  })
  await expect(failing).rejects.toThrow('Changed my mind')

  expect((await load(ctx, pageById, uuidIn(page.id)))?.title).toBe('A page')
  const log = await readChannel(
    database.unscoped,
    pageChannel(uuidIn(alice.organizationId), uuidIn(page.id)),
    { epoch: null, seq: 0 },
    10,
  )
  expect(log).toEqual({ items: [], head: 0, epoch: null, continuous: true })
  // The first thing a watcher hears of is what was written after.
  const [id] = await write(alice, page.id, 'written')
  const { pageEvents } = await events.next()
  expect(pageEvents).toMatchObject({ __typename: 'BlockCreated', block: { id } })
  expect(events.pending()).toEqual([])
  events.stop()
  await jobs.idle(15_000)
  expect(server.mails.sent.slice(mails).filter((mail) => mail.to === alice.email)).toEqual([])

  // The very same work, when it does not throw, does all of it.
  await transact(ctx, async (tx) => {
    tx.record(blockCreated(alice, page, uuidIn(id ?? '')))
    await tx.enqueue(noticeMail, { to: alice.email, notice: 'PASSWORD_CHANGED' })
  })
  await jobs.idle(15_000)
  expect(server.mails.sent.slice(mails).filter((mail) => mail.to === alice.email)).toHaveLength(1)
})

test('events are told after the commit only', async ({ server, alice, bob, page }) => {
  const ctx = await contextOf(server, alice)
  const events = bob.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  const [id = ''] = await write(alice, page.id, 'first')
  await events.next()
  const seqs: number[] = []
  const stop = server.app.platform.nudges.listen(
    pageChannel(uuidIn(alice.organizationId), uuidIn(page.id)),
    (seq) => void seqs.push(seq),
  )
  await transact(ctx, async (tx) => {
    tx.record(blockCreated(alice, page, uuidIn(id)))
    await tx.em.flush()
    expect(seqs).toEqual([])
  })
  expect(seqs[0]).toBe(2)
  expect((await events.next()).pageEvents.__typename).toBe('BlockCreated')
  expect(events.pending()).toEqual([])
  stop()
  events.stop()
})

test('after a transaction the context loads anew, whether it committed or not', async ({ server, alice, page }) => {
  const ctx = await contextOf(server, alice)
  const title = async () => (await load(ctx, pageById, uuidIn(page.id)))?.title
  expect(await title()).toBe('A page')
  await transact(ctx, (tx) => rename(tx, page.id, 'Renamed'))
  expect(await title()).toBe('Renamed')

  const { unscoped } = server.app.platform.database
  await unscoped.updateTable('page').set({ title: 'By another' }).where('id', '=', uuidIn(page.id)).execute()
  expect(await title()).toBe('Renamed')
  await expect(transact(ctx, () => Promise.reject(new Error('No')))).rejects.toThrow('No')
  expect(await title()).toBe('By another')
})

test('a context can run one transaction after another, the failed ones included', async ({ server, alice, page }) => {
  const ctx = await contextOf(server, alice)
  for (let round = 0; round < 3; round += 1) {
    await expect(transact(ctx, () => Promise.reject(new Error('No')))).rejects.toThrow('No')
    await transact(ctx, (tx) => rename(tx, page.id, `Round ${round}`))
  }
  expect((await load(ctx, pageById, uuidIn(page.id)))?.title).toBe('Round 2')
})

async function rename(tx: Transaction, pageId: string, title: string): Promise<void> {
  await tx.unscoped.updateTable('page').set({ title }).where('id', '=', uuidIn(pageId)).execute()
}
