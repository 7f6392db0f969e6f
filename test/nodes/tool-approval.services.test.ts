import { expect, test } from 'vitest'
import { createApp } from '../../src/app.ts'
import { PagesDocument } from '../gql/graphql.ts'
import { cheapPasswords } from '../kit/fakes.ts'
import { signIn, signUp } from '../kit/people.ts'
import { startServer } from '../kit/server.ts'
import { openChat } from '../kit/test.ts'
import { approve, callsIn, ended, have, untilAsked } from '../modules/chat/tools/stage.ts'

/** A call that waits on its node looks each second by itself: sooner is the nudge. */
const NUDGED_MILLIS = 900

test('what waits on one node is approved on another, and goes on at once', async () => {
  const keyPrefix = `ocean-approval-${process.pid}:`
  await using stack = new AsyncDisposableStack()
  const first = stack.adopt(await startServer({ keyPrefix }), ({ close }) => close())
  const overrides = { clock: first.clock, mailer: first.mails, passwordCost: cheapPasswords, keyPrefix, embedder: null }
  const app = stack.adopt(await createApp(first.config, overrides), ({ close }) => close())
  const alice = stack.adopt(await signUp(first, 'Alice'), ({ close }) => close())
  const there = stack.adopt(await signIn(await app.listen(), alice.email), ({ close }) => close())
  const session = await openChat(alice)
  const waits: number[] = []
  for (const title of ['One', 'Two', 'Three']) {
    await have(alice, session.id, [[{ name: 'createPage', input: { title } }]])
    const call = await untilAsked(there, session.id)
    const approvedAt = performance.now()
    expect(await approve(there, call)).toMatchObject({ __typename: 'Message' })
    expect(callsIn(await ended(there, session.id))).toMatchObject([
      { status: 'COMPLETED', decidedBy: { id: alice.userId } },
    ])
    waits.push(performance.now() - approvedAt)
  }
  const { pages } = await there.query(PagesDocument, {})
  expect(pages.nodes.map(({ title }) => title).sort()).toEqual(['One', 'Three', 'Two'])
  console.log(`approved on another node: done after ${waits.map(Math.round).join(', ')} ms`)
  expect(Math.min(...waits)).toBeLessThan(NUDGED_MILLIS)
})
