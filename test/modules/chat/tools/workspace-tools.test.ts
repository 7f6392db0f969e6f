import { expect } from 'vitest'
import { PageDocument } from '../../../gql/graphql.ts'
import { indexed } from '../../../kit/inside.ts'
import { makeKey, programOf } from '../../../kit/programs.ts'
import { createPage, openChat, test, write } from '../../../kit/test.ts'
import { addTo, createProject } from '../../projects/stage.ts'
import { approve, callsIn, ended, have, haveDone, outputIn, untilAsked } from './stage.ts'

test('pages are searched as who asks, and read as all who read along', async ({ server, alice, bob }) => {
  const projectId = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
  const [open, closed] = [await createPage(alice, 'Lighthouse'), await createPage(alice, 'Hidden', projectId)]
  await write(alice, open.id, 'The lamp of the lighthouse burns until dawn.')
  await write(alice, closed.id, 'The lamp of the lighthouse is broken.')
  await indexed(server, alice)
  const search = [{ name: 'searchPages', input: { query: 'lamp of the lighthouse' } }]
  const found = async (participantIds: string[]) => {
    const session = await openChat(alice, { participantIds })
    const message = await haveDone(alice, session.id, [search])
    return outputIn<{ pages: { id: string; extract: string }[] }>(message).pages
  }
  expect((await found([])).map(({ id }) => id).sort()).toEqual([open.id, closed.id].sort())
  expect(await found([bob.userId])).toEqual([
    { id: open.id, title: 'Lighthouse', extract: expect.stringContaining('burns until dawn') },
  ])
})

test('projects are listed that all who read along may see', async ({ alice, bob }) => {
  const closed = await createProject(alice, { name: 'Closed', visibility: 'PRIVATE' })
  const open = await createProject(alice, { name: 'Open' })
  const session = await openChat(alice, { participantIds: [bob.userId] })
  const listed = async (input: object = {}) => {
    const message = await haveDone(alice, session.id, [[{ name: 'listProjects', input }]])
    return outputIn<{ projects: { id: string }[] }>(message).projects.map(({ id }) => id)
  }
  expect(await listed()).toEqual([open])
  await addTo(alice, closed, bob, 'VIEWER')
  expect(await listed()).toEqual([open, closed])
  expect(await listed({ name: 'clos' })).toEqual([closed])
})

test('a page is made where it is wanted, with its text, and added to', async ({ alice }) => {
  const projectId = await createProject(alice, { name: 'Open' })
  const session = await openChat(alice)
  const blocks = [{ type: 'HEADING_1', text: 'Lamps' }, { text: 'They burn.' }]
  await have(alice, session.id, [[{ name: 'createPage', input: { title: 'Made  here', projectId, blocks } }]])
  await approve(alice, await untilAsked(alice, session.id))
  const { id } = outputIn<{ id: string }>(await ended(alice, session.id))
  await have(alice, session.id, [[{ name: 'appendBlocks', input: { pageId: id, blocks: [{ text: 'All night.' }] } }]])
  await approve(alice, await untilAsked(alice, session.id))
  await ended(alice, session.id)
  const { page } = await alice.query(PageDocument, { id })
  expect(page).toMatchObject({ title: 'Made here', project: { id: projectId }, createdBy: { id: alice.userId } })
  expect(page?.blocks.nodes.map(({ type, text }) => [type, text])).toEqual([
    ['HEADING_1', 'Lamps'],
    ['PARAGRAPH', 'They burn.'],
    ['PARAGRAPH', 'All night.'],
  ])
})

test('a page and what is to stand on it are made together, or not at all', async ({ server, alice }) => {
  const session = await openChat(alice)
  const permissions = ['chat_session.read', 'message.send', 'tool_call.approve', 'page.read', 'page.create']
  const program = programOf(alice, (await makeKey(alice, { permissions })).secret)
  const input = { title: 'Half', blocks: [{ text: 'Text.' }] }
  await have(program, session.id, [[{ name: 'createPage', input }]])
  await approve(program, await untilAsked(program, session.id))
  const message = await ended(alice, session.id)
  expect(callsIn(message)).toMatchObject([{ status: 'FAILED', output: { code: 'FORBIDDEN' } }])
  const pages = server.app.platform.database.unscoped.selectFrom('page').select('title').where('title', '=', 'Half')
  expect(await pages.execute()).toEqual([])
  await program.close()
})

test('of a long page so much is read as a model can take', async ({ alice, page }) => {
  await write(alice, page.id, ...Array.from({ length: 8 }, (_, index) => `${index} ${'word '.repeat(1_500)}`))
  const session = await openChat(alice)
  const message = await haveDone(alice, session.id, [[{ name: 'readPage', input: { pageId: page.id } }]])
  const output = outputIn<{ blocks: { text: string }[]; isWhole: boolean }>(message)
  expect(output.isWhole).toBe(false)
  expect(output.blocks.map(({ text }) => text[0])).toEqual(['0', '1', '2', '3'].slice(0, output.blocks.length))
})
