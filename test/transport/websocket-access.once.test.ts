import { expect } from 'vitest'
import {
  CreatePageDocument,
  LogoutDocument,
  MovePageDocument,
  PageEventsDocument,
  PagesDocument,
  UpdateProjectDocument,
} from '../gql/graphql.ts'
import { endMembership } from '../kit/inside.ts'
import { signIn } from '../kit/people.ts'
import { createPage, test, write } from '../kit/test.ts'
import { createProject } from '../modules/projects/stage.ts'
import { expectAlive } from './quiet.ts'
import { type RawSocket, signedIn } from './raw-socket.ts'

const told = (event: object) => ({ type: 'next', payload: { data: { pageEvents: event } } })
const ended = (reason: string) => told({ __typename: 'SubscriptionEnded', reason })

test('a member who is removed hears of that before the next event, and of the event nothing', async ({
  server,
  alice,
  bob,
  page,
}) => {
  const socket = await signedIn(server.url, bob.tokens.accessToken)
  watch(socket, 'watch', page)
  await write(alice, page.id, 'seen')
  expect(await socket.next('watch')).toMatchObject(told({ block: { text: 'seen' } }))

  await endMembership(server, bob)
  await write(alice, page.id, 'unseen')

  expect(await socket.next('watch')).toMatchObject(ended('ACCESS_REMOVED'))
  expect(await socket.next('watch')).toEqual({ type: 'complete', id: 'watch' })
  expect(socket.pending()).toEqual([])
  socket.ws.close()
})

test('who signs out hears that the session has ended, and other subscribers hear the event', async ({
  server,
  alice,
  page,
}) => {
  const elsewhere = await signIn(server, alice.email)
  const [left, stays] = [
    await signedIn(server.url, elsewhere.tokens.accessToken),
    await signedIn(server.url, alice.tokens.accessToken),
  ]
  await write(alice, page.id, 'seen by both')
  for (const socket of [left, stays]) {
    watch(socket, 'watch', page)
    expect(await socket.next('watch')).toMatchObject(told({ block: { text: 'seen by both' } }))
  }

  await elsewhere.mutate(LogoutDocument, { input: {} })
  await write(alice, page.id, 'unseen by one')

  expect(await left.next('watch')).toMatchObject(ended('SESSION_ENDED'))
  expect(await left.next('watch')).toEqual({ type: 'complete', id: 'watch' })
  expect(await stays.next('watch')).toMatchObject(told({ block: { text: 'unseen by one' } }))
  for (const socket of [left, stays]) socket.ws.close()
  await elsewhere.close()
})

test('when one page is taken away, the other subscriptions of the socket go on', async ({
  server,
  alice,
  bob,
  page,
}) => {
  const kept = await createPage(alice, 'Kept')
  const projectId = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
  const socket = await signedIn(server.url, bob.tokens.accessToken)
  watch(socket, 'taken', page)
  watch(socket, 'kept', kept)
  await write(alice, page.id, 'still his')
  expect(await socket.next('taken')).toMatchObject(told({ block: { text: 'still his' } }))
  await alice.mutate(MovePageDocument, { input: { id: page.id, projectId } })
  await write(alice, page.id, 'hers')

  expect(await socket.next('taken')).toMatchObject(ended('ACCESS_REMOVED'))
  expect(await socket.next('taken')).toEqual({ type: 'complete', id: 'taken' })
  await write(alice, kept.id, 'still here')
  expect(await socket.next('kept')).toMatchObject(told({ block: { text: 'still here' } }))
  socket.ws.close()
})

test('a subscription to which nothing happens ends by itself when what it follows is closed to its reader', async ({
  server,
  alice,
  bob,
}) => {
  const projectId = await createProject(alice, { name: 'Open' })
  const { createPage: page } = await alice.mutate(CreatePageDocument, { input: { title: 'Quiet', projectId } })
  if (page.__typename !== 'Page') throw new Error(page.__typename)
  const socket = await signedIn(server.url, bob.tokens.accessToken)
  watch(socket, 'quiet', page)
  await expectAlive(socket)
  await alice.mutate(UpdateProjectDocument, { input: { id: projectId, expectedVersion: 1, visibility: 'PRIVATE' } })
  expect(await socket.next('quiet')).toMatchObject(ended('ACCESS_REMOVED'))
  expect(await socket.next('quiet')).toEqual({ type: 'complete', id: 'quiet' })
  await expectAlive(socket)
  socket.ws.close()
})

test('no operation is done on a socket whose session has ended, and the socket closes for good', async ({
  server,
  alice,
}) => {
  const elsewhere = await signIn(server, alice.email)
  const socket = await signedIn(server.url, elsewhere.tokens.accessToken)
  await elsewhere.mutate(LogoutDocument, { input: {} })
  socket.subscribe('create', CreatePageDocument, { input: { title: 'Late' } })
  expect(await socket.closed).toEqual({ code: 4401, reason: 'Unauthorized' })
  // Whether it was still heard is a matter of milliseconds; done it is in no case.
  for (const frame of socket.pending()) expect(JSON.stringify(frame)).toMatch(/UNAUTHENTICATED|complete/)
  expect((await alice.query(PagesDocument, {})).pages.nodes).toEqual([])
  await elsewhere.close()
})

function watch(socket: RawSocket, id: string, page: { id: string; eventsCursor: string }): void {
  socket.subscribe(id, PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
}
