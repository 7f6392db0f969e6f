import { expect } from 'vitest'
import { PageEventsDocument } from '../gql/graphql.ts'
import { test, write } from './test.ts'

test('those who wait for events and for the end together each get what they wait for', async ({ alice, page }) => {
  const events = alice.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  const [first, second, ended] = [events.next(), events.next(), events.ended()]
  await write(alice, page.id, 'one', 'two')
  expect(await first).toMatchObject({ pageEvents: { block: { text: 'one' } } })
  expect(await second).toMatchObject({ pageEvents: { block: { text: 'two' } } })
  const none = events.next()
  events.stop()
  await ended
  await expect(none).rejects.toThrow('The subscription ended')
})

test('an event that does not come is given up, and the next one goes to whoever asks then', async ({ alice, page }) => {
  const events = alice.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  await expect(events.next({ within: 20 })).rejects.toThrow('The event did not come within 20 ms')
  await write(alice, page.id, 'late')
  expect(await events.next()).toMatchObject({ pageEvents: { block: { text: 'late' } } })
  events.stop()
})

test('an operation that failed is reported with its status', async ({ anonymous }) => {
  const failed = anonymous.query('{ nothing }' as never, {})
  await expect(failed).rejects.toThrow(/failed with 200: .*nothing/)
})
