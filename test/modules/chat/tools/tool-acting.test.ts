import { expect } from 'vitest'
import { StopGenerationDocument } from '../../../gql/graphql.ts'
import { lastMessage } from '../../../kit/chat.ts'
import { openChat, test } from '../../../kit/test.ts'
import { approve, callsIn, ended, have, untilAsked } from './stage.ts'

test('what was approved is not done once the answer is stopped', async ({ server, alice }) => {
  const { platform } = server.app
  const session = await openChat(alice)
  const messageId = await have(alice, session.id, [[{ name: 'createPage', input: { title: 'Stopped before' } }]])
  const call = await untilAsked(alice, session.id)
  const arrived = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  const { currentViewer } = platform
  let isHeld = false
  const held: typeof currentViewer = async (...asked) => {
    const viewer = await currentViewer(...asked)
    // Of the tool alone: it asks about no project.
    if (isHeld && asked.length === 1) {
      arrived.resolve()
      await go.promise
    }
    return viewer
  }
  Object.assign(platform, { currentViewer: held })
  try {
    isHeld = true
    const approving = approve(alice, call)
    await arrived.promise
    isHeld = false
    await approving
    const { stopGeneration } = await alice.mutate(StopGenerationDocument, { input: { messageId } })
    expect(stopGeneration).toMatchObject({ status: 'CANCELLED' })
  } finally {
    go.resolve()
    Object.assign(platform, { currentViewer })
  }
  await platform.jobs.idle(5_000)
  const message = await lastMessage(alice, session.id)
  expect(callsIn(message ?? { parts: [] })).toMatchObject([{ status: 'CANCELLED' }])
  const made = platform.database.unscoped.selectFrom('page').select('id').where('title', '=', 'Stopped before')
  expect(await made.execute()).toEqual([])
})

test('an answer that waits outlives a database that is away for a while', async ({ server, alice }) => {
  const { database } = server.app.platform
  const session = await openChat(alice)
  await have(alice, session.id, [[{ name: 'createPage', input: { title: 'In spite of all' } }]])
  const call = await untilAsked(alice, session.id)
  const { unscoped } = database
  let refused = 0
  const away = new Proxy(unscoped, {
    get: (target, name, receiver) => {
      if (name !== 'selectFrom') return Reflect.get(target, name, receiver)
      return (table: string) => {
        if (table !== 'tool_call') return target.selectFrom(table as 'tool_call')
        refused += 1
        throw new Error('away')
      }
    },
  })
  Object.assign(database, { unscoped: away })
  try {
    await expect.poll(() => refused).toBeGreaterThan(1)
  } finally {
    Object.assign(database, { unscoped })
  }
  expect(await approve(alice, call)).toMatchObject({ __typename: 'Message' })
  expect(callsIn(await ended(alice, session.id))).toMatchObject([{ status: 'COMPLETED' }])
})
