import { expect } from 'vitest'
import { encodeTypeId } from '../../../../src/lib/typeid.ts'
import { createPageWithBlocks } from '../../../../src/modules/ocean/blocks/page-with-blocks.service.ts'
import { PageDocument } from '../../../gql/graphql.ts'
import { contextOf } from '../../../kit/inside.ts'
import { test } from '../../../kit/test.ts'

const nowhere = { projectId: null, parentId: null, afterId: null, beforeId: null }
const plain = { icon: null, coverImage: null, language: null, idempotencyKey: null }

test('a page is made with its blocks in order', async ({ server, alice }) => {
  const blocks = ['One', 'Two', 'Three'].map((text) => ({
    type: 'QUOTE' as const,
    text,
    content: {},
    parentIndex: null,
  }))
  const made = await createPageWithBlocks(await contextOf(server, alice), {
    ...nowhere,
    ...plain,
    title: 'Whole',
    blocks,
  })
  const { page } = await alice.query(PageDocument, { id: encodeTypeId('page', made.id) })
  expect(page).toMatchObject({ title: 'Whole' })
  expect(page?.blocks.nodes.map(({ type, text }) => [type, text])).toEqual([
    ['QUOTE', 'One'],
    ['QUOTE', 'Two'],
    ['QUOTE', 'Three'],
  ])
})

test('of a page whose blocks cannot be made nothing stays', async ({ server, alice }) => {
  const blocks = [{ type: 'QUOTE' as const, text: 'a\0b', content: {}, parentIndex: null }]
  const making = createPageWithBlocks(await contextOf(server, alice), { ...nowhere, ...plain, title: 'Broken', blocks })
  await expect(making).rejects.toThrow()
  const pages = server.app.platform.database.unscoped.selectFrom('page').select('id').where('title', '=', 'Broken')
  expect(await pages.execute()).toEqual([])
})
