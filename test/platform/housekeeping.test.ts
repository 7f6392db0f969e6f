import { expect } from 'vitest'
import { beforeAnyLog } from '../../src/lib/cursor.ts'
import { pageChannel } from '../../src/modules/ocean/pages/page.events.ts'
import { readChannel } from '../../src/platform/channels/log.ts'
import { housekeeping } from '../../src/platform/housekeeping.jobs.ts'
import { CreatePageDocument, PageEventsDocument } from '../gql/graphql.ts'
import { test } from '../kit/clocked.ts'
import { signIn, uuidIn } from '../kit/people.ts'
import { createPage, write } from '../kit/test.ts'

test('housekeeping deletes what has outlived its time and nothing else', async ({ clocked, alice }) => {
  const { database, jobs } = clocked.app.platform
  const keep = async () => {
    await database.unscoped.transaction().execute((tx) => jobs.enqueue(tx, housekeeping, {}))
    jobs.wake([housekeeping.name])
    await jobs.idle(15_000)
  }
  const keys = async () => {
    const rows = database.unscoped.selectFrom('idempotency_key').select('key')
    return (await rows.where('actor_id', '=', uuidIn(alice.userId)).orderBy('key').execute()).map((row) => row.key)
  }
  const page = await createPage(alice, 'A page')
  const channel = pageChannel(uuidIn(alice.organizationId), uuidIn(page.id))
  const eventsDeleted = async () =>
    (await readChannel(database.unscoped, channel, null, 1)).head -
    (await database.unscoped.selectFrom('channel_event').select('seq').where('channel', '=', channel).execute()).length
  const makeKey = (idempotencyKey: string) =>
    alice.mutate(CreatePageDocument, { input: { title: 'Once', idempotencyKey } })

  await makeKey('old')
  await write(alice, page.id, 'old', 'older')
  await keep()
  expect(await keys()).toEqual(['old'])
  expect(await eventsDeleted()).toBe(0)

  clocked.clock.advance({ days: 6, hours: 23 })
  Object.assign(alice.tokens, (await signIn(clocked, alice.email)).tokens)
  await makeKey('new')
  await write(alice, page.id, 'new')
  await keep()
  expect(await keys()).toEqual(['new'])
  expect(await eventsDeleted()).toBe(0)

  clocked.clock.advance({ hours: 2 })
  await keep()
  expect(await keys()).toEqual(['new'])
  expect(await eventsDeleted()).toBe(2)

  // The numbering goes on, and who has missed what is gone is told so.
  Object.assign(alice.tokens, (await signIn(clocked, alice.email)).tokens)
  const events = alice.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  expect((await events.next()).pageEvents.__typename).toBe('ResyncRequired')
  await write(alice, page.id, 'newest')
  expect((await events.next()).pageEvents.__typename).toBe('BlockCreated')
  events.stop()
  const { head } = await readChannel(database.unscoped, channel, beforeAnyLog, 1)
  expect(head).toBe(4)
})
