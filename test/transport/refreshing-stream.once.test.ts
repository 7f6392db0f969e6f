import { expect } from 'vitest'
import { PageEventsDocument } from '../gql/graphql.ts'
import { test } from '../kit/clocked.ts'
import { signUpInto } from '../kit/people.ts'
import { renewed } from '../kit/sessions.ts'
import { createPage, write } from '../kit/test.ts'
import { watchPage } from './event-stream.ts'
import { signedIn } from './raw-socket.ts'

// 70 minutes on one socket and one stream, of which each access token is good for 15.

const refreshCount = 5

test('across five refreshes a socket and a stream stay open and tell every event once, in order', async ({
  clocked,
  alice,
}) => {
  const writer = await signUpInto(clocked, alice, 'Writer', 'EDITOR')
  const page = await createPage(alice, 'Long')
  const socket = await signedIn(clocked.url, alice.tokens.accessToken)
  socket.subscribe('watch', PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  const stream = await watchPage(alice, page)
  const texts: string[] = []
  const say = async (text: string) => {
    await write(writer, page.id, text)
    texts.push(text)
  }
  // The tokens the connections were made with are never sent again.
  let { refreshToken } = alice.tokens
  for (let round = 1; round <= refreshCount; round += 1) {
    await say(`${round}: fresh`)
    clocked.clock.advance({ minutes: 14 })
    Object.assign(writer.tokens, await renewed(writer, writer.tokens.refreshToken))
    await say(`${round}: old`)
    const tokens = await renewed(alice, refreshToken)
    refreshToken = tokens.refreshToken
    await say(`${round}: refreshed`)
  }
  for (const text of texts) {
    const event = { __typename: 'BlockCreated', block: { text } }
    expect(await socket.next('watch')).toMatchObject({ type: 'next', payload: { data: { pageEvents: event } } })
    expect((await stream.next())?.data?.data?.pageEvents).toMatchObject(event)
  }
  expect(texts).toHaveLength(3 * refreshCount)
  expect(socket.pending()).toEqual([])
  expect(socket.ws.readyState).toBe(socket.ws.OPEN)

  // Without another refresh it is over 25 s after the last access.
  clocked.clock.advance({ minutes: 15, seconds: 26 })
  expect(await socket.closed).toEqual({ code: 4403, reason: 'Forbidden' })
  const last = { __typename: 'SubscriptionEnded', reason: 'SESSION_ENDED' }
  expect((await stream.next())?.data?.data?.pageEvents).toEqual(last)
  await writer.close()
})

test('a socket that was opened on an old token lives by the refreshes of its session', async ({ clocked, alice }) => {
  const page = await createPage(alice, 'Late')
  const { accessToken, refreshToken } = alice.tokens
  clocked.clock.advance({ minutes: 14, seconds: 50 })
  const tokens = await renewed(alice, refreshToken)
  const socket = await signedIn(clocked.url, accessToken)
  socket.subscribe('watch', PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  clocked.clock.advance({ minutes: 14 })
  Object.assign(alice.tokens, tokens)
  await write(alice, page.id, 'seen')
  expect(await socket.next('watch')).toMatchObject({ payload: { data: { pageEvents: { block: { text: 'seen' } } } } })
  socket.ws.close()
})
