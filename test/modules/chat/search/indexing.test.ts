import { expect } from 'vitest'
import { scenarioText } from '../../../../src/platform/model-scenarios.ts'
import {
  ConvertBlockDocument,
  DeleteBlockDocument,
  MergeBlocksDocument,
  MoveBlockDocument,
  SplitBlockDocument,
} from '../../../gql/graphql.ts'
import { lastMessage } from '../../../kit/chat.ts'
import { indexed } from '../../../kit/inside.ts'
import { uuidIn } from '../../../kit/people.ts'
import { ask, createPage, openChat, test, write } from '../../../kit/test.ts'
import { make as makeBlocks } from '../../ocean/blocks/outline.ts'
import { type, update } from '../../ocean/blocks/typist.ts'
import { make, verbs } from '../../ocean/pages/stage.ts'
import { found, foundIds } from './stage.ts'

test('a page that is called otherwise is found by its new title and no more by the old one, and so are its blocks', async ({
  server,
  alice,
}) => {
  const page = await make(alice, { title: 'Lighthouse' })
  const [block = ''] = await write(alice, page.id, 'Opening hours')
  await indexed(server, alice)
  expect((await foundIds(alice, 'lighthouse hours')).toSorted()).toEqual([block, page.id].toSorted())
  await verbs.update(alice, { id: page.id, expectedVersion: page.version, title: 'Windmill' })
  await indexed(server, alice)
  expect(await foundIds(alice, 'lighthouse')).toEqual([])
  expect(await found(alice, 'windmill')).toEqual(['Windmill'])
  // The block is found by its own word, and stands higher for the title over it.
  await write(alice, (await createPage(alice, 'Barn')).id, 'Opening hours')
  await indexed(server, alice)
  expect((await foundIds(alice, 'windmill hours', { filter: { types: ['BLOCK'] } }))[0]).toBe(block)
})

test('a page that gets another language is found in its forms, and so are its blocks', async ({ server, alice }) => {
  const page = await make(alice, { title: 'Cuisine', language: 'en' })
  const [block = ''] = await write(alice, page.id, 'Il est permis de manger ici.')
  await indexed(server, alice)
  expect(await foundIds(alice, 'mangeassions')).toEqual([])
  await verbs.update(alice, { id: page.id, expectedVersion: page.version, language: 'fr' })
  await indexed(server, alice)
  expect((await foundIds(alice, 'mangeassions')).toSorted()).toEqual([block, page.id].toSorted())
})

test('a text is found as it stands, however it came to stand so', async ({ server, alice, page }) => {
  const [id = '', other = ''] = await write(alice, page.id, 'A red balloon', 'in the afternoon')
  const blocks = async (query: string) => {
    await indexed(server, alice)
    return foundIds(alice, query, { filter: { types: ['BLOCK'] } })
  }
  expect(await blocks('red')).toEqual([id])
  await update(alice, { id, text: 'A green balloon ' })
  expect([await blocks('red'), await blocks('green')]).toEqual([[], [id]])
  await type(alice, id, (text) => text.insert(text.length, 'over the harbour '))
  expect([await blocks('harbour'), await blocks('green')]).toEqual([[id], [id]])
  await type(alice, id, (text) => text.delete(2, 'green '.length))
  expect([await blocks('green'), await blocks('balloon')]).toEqual([[], [id]])
  await alice.mutate(MergeBlocksDocument, { input: { id: other, intoId: id } })
  expect([await blocks('afternoon'), await blocks('harbour afternoon')]).toEqual([[id], [id]])
  const { splitBlock } = await alice.mutate(SplitBlockDocument, { input: { id, index: 'A balloon '.length } })
  if (splitBlock.__typename !== 'SplitBlocks') throw new Error(`The split came to ${JSON.stringify(splitBlock)}`)
  expect([await blocks('balloon'), await blocks('harbour')]).toEqual([[id], [splitBlock.second.id]])
  await alice.mutate(ConvertBlockDocument, { input: { id, type: 'QUOTE' } })
  expect(await blocks('balloon')).toEqual([id])
})

test('what is deleted is found no more, nor is what stood in it', async ({ server, alice }) => {
  const kept = await createPage(alice, 'Kept')
  const { anchor = '' } = await makeBlocks(alice, { pageId: kept.id }, 'anchor', '  anchor chain', 'anchor buoy')
  const gone = await createPage(alice, 'Anchor')
  const child = await make(alice, { title: 'Anchor child', parentId: gone.id })
  await write(alice, child.id, 'an anchor on a page in a page')
  await indexed(server, alice)
  expect((await found(alice, 'anchor')).toSorted()).toEqual(
    [
      'anchor',
      'anchor chain',
      'anchor buoy',
      'Anchor',
      'Anchor child',
      'an anchor on a page in a page',
      'Kept',
    ].toSorted(),
  )
  await alice.mutate(DeleteBlockDocument, { input: { id: anchor } })
  // At once, before it is indexed.
  expect(await found(alice, 'anchor')).not.toContain('anchor chain')
  await verbs.remove(alice, gone.id)
  expect((await found(alice, 'anchor')).toSorted()).toEqual(['anchor buoy', 'Kept'].toSorted())
  await indexed(server, alice)
  expect((await found(alice, 'anchor')).toSorted()).toEqual(['anchor buoy', 'Kept'].toSorted())
  for (const table of ['search_text', 'search_chunk'] as const) {
    const rows = server.app.platform.database.unscoped.selectFrom(table).select('subject_id as id')
    const kept = await rows.where('organization_id', '=', uuidIn(alice.organizationId)).execute()
    expect([table, kept.length]).toEqual([table, 2])
  }
})

test('a block that goes to another page is found by that page, in its language', async ({ server, alice, page }) => {
  const [id = ''] = await write(alice, page.id, 'Die Häuser und ein Leuchtturm')
  const german = await make(alice, { title: 'Küste', language: 'de' })
  await indexed(server, alice)
  await alice.mutate(MoveBlockDocument, { input: { id, pageId: german.id } })
  await indexed(server, alice)
  expect((await foundIds(alice, 'Leuchttürmen')).toSorted()).toEqual([id, german.id].toSorted())
})

test('a question is found when it is asked, and the answer once all of it is there', async ({ server, alice, bob }) => {
  const session = await openChat(alice)
  const answer = await ask(alice, session, 'scenario/stall-20', 'Where is the periscope?')
  await expect
    .poll(async () => (await lastMessage(alice, session.id))?.content)
    .toBe(scenarioText(20, 'Where is the periscope?'))
  await indexed(server, alice)
  expect(await found(alice, 'periscope')).toEqual(['Where is the periscope?'])
  const word = 'naive'
  expect([word, await foundIds(alice, word)]).toEqual([word, []])
  const other = await openChat(alice)
  const finished = await ask(alice, other, 'scenario/words-20', 'Where is the periscope?')
  await expect.poll(async () => (await lastMessage(alice, other.id))?.status).toBe('COMPLETED')
  await indexed(server, alice)
  const ids = await foundIds(alice, word)
  expect([ids.includes(finished), ids.includes(answer)]).toEqual([true, false])
  expect(await found(alice, 'periscope')).toEqual(['Where is the periscope?', 'Where is the periscope?'])
  // Not by somebody who takes no part.
  expect(await found(bob, 'periscope')).toEqual([])
})
