import { expect } from 'vitest'
import {
  ArchiveChatSessionDocument,
  CreateBlocksDocument,
  SearchDocument,
  type SearchFilter,
} from '../../../gql/graphql.ts'
import { askAndWait } from '../../../kit/chat.ts'
import { indexed } from '../../../kit/inside.ts'
import type { Person } from '../../../kit/people.ts'
import { makeAgent, programOf, tokenOf } from '../../../kit/programs.ts'
import { makeTag, mark } from '../../../kit/tags.ts'
import { ask, createPage, openChat, test, write } from '../../../kit/test.ts'
import { update } from '../../ocean/blocks/typist.ts'
import { verbs } from '../../ocean/pages/stage.ts'
import { codeOf, createProject } from '../../projects/stage.ts'
import { found } from './stage.ts'

/** What is found of all that speaks of a comet, sorted. */
async function comets(person: Person, filter: SearchFilter): Promise<string[]> {
  return (await found(person, 'comet', { filter })).toSorted()
}

test('what is found is narrowed by what it is', async ({ server, alice }) => {
  await write(alice, (await createPage(alice, 'Comet page')).id, 'comet block')
  await ask(alice, await openChat(alice), 'scenario/words-1', 'comet question')
  await indexed(server, alice)
  const all = ['Comet page', 'comet block', 'comet question']
  expect(await comets(alice, {})).toEqual(all)
  expect(await comets(alice, { types: [] })).toEqual(all)
  expect(await comets(alice, { types: null })).toEqual(all)
  expect(await comets(alice, { types: ['PAGE'] })).toEqual(['Comet page'])
  expect(await comets(alice, { types: ['BLOCK'] })).toEqual(['comet block'])
  expect(await comets(alice, { types: ['MESSAGE'] })).toEqual(['comet question'])
  expect(await comets(alice, { types: ['MESSAGE', 'PAGE', 'PAGE'] })).toEqual(['Comet page', 'comet question'])
})

test('a page is found by what stands on it, also when blocks are not asked for', async ({ server, alice, page }) => {
  await write(alice, page.id, 'comet block')
  await indexed(server, alice)
  expect(await comets(alice, { types: ['PAGE'] })).toEqual(['A page'])
})

test('what is found is narrowed by project, and by tag', async ({ server, alice }) => {
  const projectId = await createProject(alice, { name: 'Sky' })
  const inside = await createPage(alice, 'Comet inside', projectId)
  const outside = await createPage(alice, 'Comet outside')
  await write(alice, inside.id, 'comet inside')
  await write(alice, outside.id, 'comet outside')
  await ask(alice, await openChat(alice, { projectId }), 'scenario/words-1', 'comet asked inside')
  await ask(alice, await openChat(alice), 'scenario/words-1', 'comet asked outside')
  const tag = await makeTag(alice, 'bright')
  await mark(alice, outside, tag)
  await indexed(server, alice)
  expect(await comets(alice, { projectId })).toEqual(['Comet inside', 'comet asked inside', 'comet inside'])
  expect(await comets(alice, { tagId: tag.id })).toEqual(['Comet outside', 'comet outside'])
  expect(await comets(alice, { tagId: tag.id, types: ['BLOCK'] })).toEqual(['comet outside'])
  expect(await comets(alice, { tagId: tag.id, projectId })).toEqual([])
  // At once, whatever was indexed.
  await mark(alice, inside, tag)
  await verbs.move(alice, { id: outside.id, projectId })
  expect(await comets(alice, { tagId: tag.id, projectId })).toEqual([
    'Comet inside',
    'Comet outside',
    'comet inside',
    'comet outside',
  ])
})

test('what is found is narrowed by who made it, a person or an agent', async ({ server, alice, bob }) => {
  const page = await createPage(alice, 'Comet of Alice')
  await write(bob, page.id, 'comet of Bob')
  await ask(bob, await openChat(bob, { participantIds: [alice.userId] }), 'scenario/words-1', 'comet asked by Bob')
  const agent = await makeAgent(alice)
  const program = programOf(alice, await tokenOf(alice, agent))
  await program.mutate(CreateBlocksDocument, { input: { pageId: page.id, blocks: [{ text: 'comet of the agent' }] } })
  await indexed(server, alice)
  expect(await comets(alice, { createdById: alice.userId })).toEqual(['Comet of Alice'])
  expect(await comets(alice, { createdById: bob.userId })).toEqual(['comet asked by Bob', 'comet of Bob'])
  expect(await comets(alice, { createdById: agent.id })).toEqual(['comet of the agent'])
  expect(await comets(bob, { createdById: bob.userId, types: ['MESSAGE'] })).toEqual(['comet asked by Bob'])
  await program.close()
})

test('what was said is narrowed by whether its chat session is archived', async ({ server, alice }) => {
  const [kept, archived] = [await openChat(alice), await openChat(alice)]
  await askAndWait(alice, { sessionId: kept.id, content: 'A comet that is kept?' })
  await askAndWait(alice, { sessionId: archived.id, content: 'A comet that is archived?' })
  await alice.mutate(ArchiveChatSessionDocument, { input: { id: archived.id } })
  await indexed(server, alice)
  expect(await comets(alice, { isArchived: true })).toEqual(['A comet that is archived?'])
  expect(await comets(alice, { isArchived: false })).toEqual(['A comet that is kept?'])
})

test('what is found is narrowed by whether it is archived', async ({ server, alice }) => {
  const [kept, archived] = [await createPage(alice, 'Comet kept'), await createPage(alice, 'Comet archived')]
  await write(alice, kept.id, 'comet kept')
  await write(alice, archived.id, 'comet archived')
  await verbs.archive(alice, archived.id)
  await indexed(server, alice)
  expect(await comets(alice, { isArchived: true })).toEqual(['Comet archived', 'comet archived'])
  expect(await comets(alice, { isArchived: false })).toEqual(['Comet kept', 'comet kept'])
  expect(await comets(alice, { isArchived: null })).toEqual([
    'Comet archived',
    'Comet kept',
    'comet archived',
    'comet kept',
  ])
  await verbs.restore(alice, archived.id)
  expect(await comets(alice, { isArchived: true })).toEqual([])
})

test('what is found is narrowed by when it last changed', async ({ server, alice, page }) => {
  const [early = ''] = await write(alice, page.id, 'comet early')
  const between = new Date(server.clock.now().getTime() + 1_000)
  server.clock.advance({ seconds: 2 })
  await write(alice, page.id, 'comet late')
  await indexed(server, alice)
  const blocks = (filter: SearchFilter) => comets(alice, { types: ['BLOCK'], ...filter })
  const moment = between.toISOString()
  expect(await blocks({ updatedSince: moment })).toEqual(['comet late'])
  expect(await blocks({ updatedUntil: moment })).toEqual(['comet early'])
  expect(await blocks({ updatedSince: moment, updatedUntil: moment })).toEqual([])
  await update(alice, { id: early, text: 'comet early, changed late' })
  await indexed(server, alice)
  expect(await blocks({ updatedSince: moment })).toEqual(['comet early, changed late', 'comet late'])
  expect(await blocks({ updatedUntil: moment })).toEqual([])
})

const ends = [
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00+14:00',
  '9999-12-31T23:59:59.999Z',
  '9999-12-31T23:59:59-12:00',
]
test.for(ends)('the moment %s narrows like any other', async (moment, { server, alice, page }) => {
  await write(alice, page.id, 'comet')
  await ask(alice, await openChat(alice), 'scenario/words-1', 'comet')
  await indexed(server, alice)
  const isFarPast = moment.startsWith('000')
  const all = ['A page', 'comet', 'comet']
  expect(await comets(alice, { updatedSince: moment })).toEqual(isFarPast ? all : [])
  expect(await comets(alice, { updatedUntil: moment })).toEqual(isFarPast ? [] : all)
})

test('an id that names nothing, or something of others, matches nothing', async ({ server, alice, stranger }) => {
  const tag = await makeTag(stranger, 'theirs')
  const projectId = await createProject(stranger, { name: 'Theirs' })
  const page = await createPage(alice, 'Comet')
  await indexed(server, alice)
  for (const id of [
    '',
    'garbage',
    page.id,
    `${page.id}0`,
    'tag_\0',
    "' or true --",
    tag.id,
    projectId,
    stranger.userId,
  ]) {
    for (const field of ['projectId', 'tagId', 'createdById'] as const) {
      expect([field, id, await comets(alice, { [field]: id })]).toEqual([field, id, []])
    }
  }
})

test('a condition that there is not is refused', async ({ alice }) => {
  const badly = [
    { types: ['COMET'] },
    { updatedSince: 'yesterday' },
    { updatedUntil: '2026-02-30T00:00:00Z' },
    { on: 1 },
  ]
  for (const filter of badly) {
    const code = await codeOf(alice.send(SearchDocument, { query: 'comet', filter: filter as SearchFilter }))
    expect([filter, code]).toEqual([filter, 'BAD_REQUEST'])
  }
})
