import { expect } from 'vitest'
import { CreateLinkDocument, DeleteBlockDocument, MoveBlockDocument } from '../../../gql/graphql.ts'
import { linksFrom, makeLink, rewrite, targetsFrom, untilLinked } from '../../../kit/links.ts'
import { createPage, test, write } from '../../../kit/test.ts'

// Races, on a real database: the embedded one has one session.

test('of twenty who make the same link at once all get the one there is', async ({ alice, bob, page }) => {
  const [sourceBlockId = ''] = await write(alice, page.id, 'from')
  const makers = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? alice : bob))
  const made = await Promise.all(makers.map((person) => makeLink(person, { sourceBlockId, targetId: page.id })))
  expect(new Set(made.map(({ id }) => id)).size).toBe(1)
  expect(await linksFrom(alice, sourceBlockId)).toHaveLength(1)
})

test('links that are made while the text is looked at are one with those it says', async ({ server, alice, page }) => {
  const texts = Array.from({ length: 20 }, (_, index) => `https://example.org/${index}`)
  const blocks = await write(alice, page.id, ...texts)
  const inputs = blocks.map((sourceBlockId, index) => ({ sourceBlockId, url: texts[index] ?? '' }))
  const made = await Promise.all(inputs.map((input) => alice.mutate(CreateLinkDocument, { input })))
  expect(new Set(made.map(({ createLink }) => createLink.__typename))).toEqual(new Set(['Link']))
  await untilLinked(server)
  for (const id of blocks) expect(await linksFrom(alice, id)).toMatchObject([{ inText: true, isExplicit: true }])
})

test('whatever else happens to blocks meanwhile, links end as the texts say', async ({ server, alice, bob, page }) => {
  const other = await createPage(alice, 'Elsewhere')
  const blocks = await write(alice, page.id, ...Array<string>(30).fill('https://example.org/first'))
  const [gone, staying] = [blocks.slice(0, 10), blocks.slice(10)]
  await Promise.all([
    ...gone.map((id) => alice.mutate(DeleteBlockDocument, { input: { id } })),
    ...staying.map((id) => alice.mutate(MoveBlockDocument, { input: { id, pageId: other.id } })),
    ...staying.map((id, index) => rewrite(bob, id, `https://example.org/${index}`).catch(() => undefined)),
  ])
  await Promise.all(staying.map((id, index) => rewrite(bob, id, `https://example.org/last-${index}`)))
  await untilLinked(server)
  for (const [index, id] of staying.entries())
    expect(await targetsFrom(alice, id)).toEqual([`https://example.org/last-${index}`])
  const { unscoped } = server.app.platform.database
  const orphans = unscoped.selectFrom('link').leftJoin('block', 'block.id', 'link.source_block_id').select('link.id')
  expect(await orphans.where('block.id', 'is', null).execute()).toEqual([])
})
