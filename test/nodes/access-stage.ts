import { expect, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import type { Role } from '../../src/platform/access.ts'
import {
  ChatEventsDocument,
  CreateBlocksDocument,
  PageDocument,
  PageEventsDocument,
  ViewerEventsDocument,
} from '../gql/graphql.ts'
import { createTestClient } from '../kit/client.ts'
import { filedToken } from '../kit/mail-files.ts'
import type { ApiNode } from '../kit/nodes.ts'
import { accept, offer, switchTo } from '../kit/organizations.ts'
import { type Person, signUp } from '../kit/people.ts'
import { write } from '../kit/test.ts'
import { openStream } from '../transport/event-stream.ts'
import { expectAlive } from '../transport/quiet.ts'
import { type RawSocket, signedIn } from '../transport/raw-socket.ts'
import { blocksIn, endOf, keepWriting, type Overheard, overhear, overhearStream, type Writing } from './overheard.ts'

/** A page, and from where to watch it. */
export type Page = { readonly id: string; readonly eventsCursor: string }

/** A page that somebody goes on watching, and who writes to it all the time. */
export interface Unaffected {
  /** Whose socket on the second node; null for that of whom the revocation concerns. */
  readonly socket: RawSocket | null
  readonly page: Page
  readonly author: Person
}

/** One way to take access away on the first node, and what the second is to make of it. */
export interface Revocation {
  /** What whom it concerns shows of themselves: an access token, a key, an agent's token. */
  readonly secret: string
  /** Pages that they may read and write before: to one nothing happens, to the other all the time. */
  readonly quiet: Page
  readonly busy: Page
  /** Who writes all the time. */
  readonly author: Person
  /** Resolves when it was answered; answers the types of what it came to. */
  readonly revoke: () => Promise<readonly string[]>
  readonly answer: string
  /** What the next query and write come to, and why streams end; null when they go on. */
  readonly query: 'seen' | 'null' | 'UNAUTHENTICATED'
  readonly write: 'NOT_FOUND' | 'FORBIDDEN' | 'UNAUTHENTICATED'
  readonly reason: 'ACCESS_REMOVED' | 'SESSION_ENDED' | null
  readonly unaffected: readonly Unaffected[]
  /** A chat session of theirs to which nothing happens, and which is taken away as well. */
  readonly chatId?: string
  /** Who can read the quiet page afterwards; else the author. */
  readonly reader?: () => Promise<Person>
}

let watches = 0

/** Signs somebody up on a node and makes them a member of another person's organization, in which they then act. */
export async function enroll(node: ApiNode, host: Person, name: string, dataDir: string, role: Role = 'EDITOR') {
  const person = await signUp(node, name)
  await offer(host, person.email, role)
  const membershipId = await accept(person, await filedToken(dataDir, person.email, /invitation/))
  await switchTo(person, host.organizationId)
  return { ...person, membershipId }
}

/**
 * Opens streams on the second node over both doors, takes the access away on the first, and demands of the second what the
 * revocation says; `prepare` runs when all is open. Prints a line for each of query, write and open streams, and answers
 * how long after the answer of the revocation the last of the streams was over, in milliseconds; 0 where they go on.
 */
export async function revoked(node: ApiNode, name: string, it: Revocation, prepare = async () => {}): Promise<number> {
  const opened = await open(node, it)
  await expect.poll(() => Math.min(...opened.busy.map((one) => blocksIn(one).length))).toBeGreaterThan(1)
  await prepare()
  const acknowledged = [...opened.writingTo(it.busy).written]
  await expectHeard(opened.busy, acknowledged)

  expect(new Set(await it.revoke())).toEqual(new Set([it.answer]))
  const revokedAt = performance.now()
  const say = (what: string) => console.log(`${name} × ${what} ${Math.round(performance.now() - revokedAt)} ms`)
  await Promise.all([
    expectQuery(node, it).then(() => say(`query: ${it.query} after`)),
    expectNoWrite(node, it).then(() => say(`write: ${it.write} after`)),
  ])
  await expectEnds(it, opened)
  await expectTheRestToGoOn(it, opened)
  await expectNothingWritten(it, opened)
  if (it.reason === null) {
    console.log(`${name} × open stream: goes on`)
    return 0
  }
  const ends = [...opened.quiet, ...opened.busy].map(endOf)
  const overMillis = Math.max(...ends.map(({ overAt }) => overAt)) - revokedAt
  const lastMillis = Math.max(...ends.map(({ lastAt }) => lastAt ?? Number.NEGATIVE_INFINITY)) - revokedAt
  console.log(
    `${name} × open stream: last event after ${Math.round(lastMillis)} ms, ${it.reason} after ${Math.round(overMillis)} ms`,
  )
  return overMillis
}

type Opened = Awaited<ReturnType<typeof open>>

async function open(node: ApiNode, it: Revocation) {
  const socket = await signedIn(node.url, it.secret)
  const onBoth = async ({ id: pageId, eventsCursor: after }: Page) => {
    const stream = await openStream(node.url, `Bearer ${it.secret}`, PageEventsDocument, { pageId, after })
    return [watch(socket, { id: pageId, eventsCursor: after }), overhearStream(stream)]
  }
  const [quiet, busy] = await Promise.all([onBoth(it.quiet), onBoth(it.busy)])
  const unaffected = it.unaffected.map(({ page, ...one }) => ({ page, heard: watch(one.socket ?? socket, page) }))
  // Of what happens to themselves only people hear.
  const own = it.secret.startsWith('oc_') ? [] : [overhear(socket, 'own')]
  if (own.length > 0) socket.subscribe('own', ViewerEventsDocument, {})
  const chats = it.chatId === undefined ? [] : [overhear(socket, 'chat')]
  if (it.chatId !== undefined) socket.subscribe('chat', ChatEventsDocument, { sessionId: it.chatId })
  await expectAlive(socket)
  const authors = new Map(
    [{ page: it.busy, author: it.author }, ...it.unaffected].map((one) => [one.page.id, one.author]),
  )
  const writings = new Map([...authors].map(([pageId, author]) => [pageId, keepWriting(author, pageId)]))
  onTestFinished(async () => {
    socket.ws.close()
    await Promise.allSettled([...writings.values()].map((writing) => writing.stop()))
  })
  const writingTo = ({ id }: Page): Writing => {
    const writing = writings.get(id)
    if (writing === undefined) throw new Error('Nobody writes there')
    return writing
  }
  return { socket, quiet, busy, unaffected, own, chats, writingTo }
}

function watch(socket: RawSocket, { id: pageId, eventsCursor: after }: Page): Overheard {
  const id = `watch ${++watches}`
  const heard = overhear(socket, id)
  socket.subscribe(id, PageEventsDocument, { pageId, after })
  return heard
}

async function expectHeard(heard: readonly Overheard[], blocks: readonly string[]): Promise<void> {
  const told = () => heard.map((one) => blocksIn(one).slice(0, blocks.length))
  await expect.poll(told, { interval: 5 }).toEqual(heard.map(() => blocks))
}

async function expectQuery(node: ApiNode, it: Revocation): Promise<void> {
  const { data, errors } = await requester(node, it).send(PageDocument, { id: it.busy.id })
  const seen = data?.page ? 'seen' : 'null'
  expect(errors?.[0]?.extensions.code ?? seen).toBe(it.query)
}

async function expectNoWrite(node: ApiNode, it: Revocation): Promise<void> {
  const input = { pageId: it.quiet.id, blocks: [{ text: 'not mine to write' }] }
  const { data, errors } = await requester(node, it).send(CreateBlocksDocument, { input })
  expect({ code: errors?.[0]?.extensions.code, data: data ?? { createBlocks: null } }).toEqual({
    code: it.write,
    data: { createBlocks: null },
  })
}

function requester({ url }: ApiNode, { secret }: Revocation) {
  return createTestClient(url, () => secret)
}

/** Demands that all that is to end does, and says why; what is about the person themselves ends with all their access alone. */
async function expectEnds(it: Revocation, { socket, quiet, busy, own, chats }: Opened): Promise<void> {
  const isOut = it.query === 'UNAUTHENTICATED'
  const ending = it.reason === null ? [] : [...quiet, ...busy, ...chats, ...(isOut ? own : [])]
  await expect.poll(() => ending.map(({ isOver }) => isOver), { interval: 5 }).toEqual(ending.map(() => true))
  expect(ending.map((one) => endOf(one).reason)).toEqual(ending.map(() => it.reason))
  if (it.reason === 'SESSION_ENDED') expect(await socket.closed).toEqual({ code: 4401, reason: 'Unauthorized' })
  else expect(socket.ws.readyState).toBe(WebSocket.OPEN)
  if (!isOut) expect(own.map(({ isOver }) => isOver)).toEqual(own.map(() => false))
}

/** Demands that the unaffected hear all that is written, also from now on, and those concerned nothing behind the end. */
async function expectTheRestToGoOn(it: Revocation, { quiet, busy, unaffected, writingTo }: Opened): Promise<void> {
  const goingOn = it.reason === null ? [...unaffected, ...busy.map((heard) => ({ page: it.busy, heard }))] : unaffected
  const writings = [...new Set(goingOn.map(({ page }) => writingTo(page)))]
  const counts = writings.map(({ written }) => written.length)
  await expect.poll(() => writings.every(({ written }, at) => written.length > (counts[at] ?? 0) + 1)).toBe(true)
  await Promise.all(writings.map((writing) => writing.stop()))
  const all = writingTo(it.busy)
  // Whoever writes where nobody may any more fails.
  if (!writings.includes(all)) await all.stop().catch(() => undefined)
  for (const { heard, page } of goingOn) {
    const { written } = writingTo(page)
    await expectHeard([heard], written)
    expect(blocksIn(heard)).toHaveLength(written.length)
  }
  for (const told of busy.map(blocksIn)) {
    expect(told.slice(0, all.written.length)).toEqual(all.written.slice(0, told.length))
  }
  expect(quiet.flatMap(blocksIn)).toEqual([])
}

async function expectNothingWritten(it: Revocation, { quiet }: Opened): Promise<void> {
  const reader = (await it.reader?.()) ?? it.author
  const { page } = await reader.query(PageDocument, { id: it.quiet.id })
  expect(page?.blocks.totalCount).toBe(0)
  if (it.reason !== null) return
  await expectHeard(quiet, await write(it.author, it.quiet.id, 'at last'))
}
