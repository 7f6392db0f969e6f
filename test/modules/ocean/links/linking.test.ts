import { expect } from 'vitest'
import { findLinks } from '../../../../src/modules/ocean/links/link.jobs.ts'
import {
  ConvertBlockDocument,
  CreateBlocksDocument,
  DuplicatePageDocument,
  PageDocument,
  SplitBlockDocument,
} from '../../../gql/graphql.ts'
import { linksFrom, rewrite, targetsFrom, untilLinked } from '../../../kit/links.ts'
import { uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { test, write } from '../../../kit/test.ts'

/** How many jobs that look for links wait in the database, or run. */
async function jobsFor({ app }: TestServer, blockId: string): Promise<number> {
  const waiting = `select count(*)::int as count from pgboss.job
    where name = $1 and state < 'completed' and data::text like $2`
  const values = [findLinks.name, `%${uuidIn(blockId)}%`]
  return (await app.platform.database.pool.query<{ count: number }>(waiting, values)).rows[0]?.count ?? 0
}

test('for all that is typed in a while there is one job, and none for texts that lead nowhere', async ({
  server,
  alice,
  page,
}) => {
  const [plain = '', typed = ''] = await write(alice, page.id, 'nothing', 'some')
  expect([await jobsFor(server, plain), await jobsFor(server, typed)]).toEqual([0, 0])
  for (let count = 1; count <= 5; count += 1) await rewrite(alice, typed, `https://example.org/${count}`)
  expect(await jobsFor(server, typed)).toBe(1)
  await untilLinked(server)
  expect(await targetsFrom(alice, typed)).toEqual(['https://example.org/5'])
  await rewrite(alice, typed, 'https://example.org/6')
  expect(await jobsFor(server, typed)).toBe(1)
})

test('two hundred new blocks have one job', async ({ server, alice, page }) => {
  const blocks = Array.from({ length: 200 }, (_, index) => ({ text: `https://example.org/${index}` }))
  const { createBlocks: made } = await alice.mutate(CreateBlocksDocument, { input: { pageId: page.id, blocks } })
  if (made.__typename !== 'CreatedBlocks') throw new Error(made.__typename)
  await untilLinked(server)
  const links = server.app.platform.database.unscoped.selectFrom('link').select('url').orderBy('url')
  const ofThese = links.where(
    'source_block_id',
    'in',
    made.blocks.map(({ id }) => uuidIn(id)),
  )
  expect((await ofThese.execute()).map(({ url }) => url)).toEqual(blocks.map(({ text }) => text).toSorted())
  const jobs = `select count(*)::int as count from pgboss.job where name = $1 and data::text like $2`
  const values = [findLinks.name, `%${uuidIn(made.blocks[199]?.id ?? '')}%`]
  const { rows } = await server.app.platform.database.pool.query<{ count: number }>(jobs, values)
  expect(rows).toEqual([{ count: 1 }])
})

test('in code nothing that is written out is followed; as another type it is', async ({ server, alice, page }) => {
  const input = { pageId: page.id, blocks: [{ type: 'CODE' as const, text: 'curl https://example.org/a' }] }
  const { createBlocks: made } = await alice.mutate(CreateBlocksDocument, { input })
  if (made.__typename !== 'CreatedBlocks') throw new Error(made.__typename)
  const id = made.blocks[0]?.id ?? ''
  await untilLinked(server)
  expect(await linksFrom(alice, id)).toEqual([])
  await alice.mutate(ConvertBlockDocument, { input: { id, type: 'QUOTE' } })
  await untilLinked(server)
  expect(await targetsFrom(alice, id)).toEqual(['https://example.org/a'])
  await alice.mutate(ConvertBlockDocument, { input: { id, type: 'CODE' } })
  await untilLinked(server)
  expect(await linksFrom(alice, id)).toEqual([])
})

test('a block that is split takes the links along that its part of the text says', async ({ server, alice, page }) => {
  const [id = ''] = await write(alice, page.id, 'https://example.org/a https://example.org/b')
  const { splitBlock: halves } = await alice.mutate(SplitBlockDocument, { input: { id, index: 22 } })
  if (halves.__typename !== 'SplitBlocks') throw new Error(JSON.stringify(halves))
  await untilLinked(server)
  expect(await targetsFrom(alice, id)).toEqual(['https://example.org/a'])
  expect(await targetsFrom(alice, halves.second.id)).toEqual(['https://example.org/b'])
})

test('a copy of a page leads where its texts say, also when the job has not come by yet', async ({
  server,
  alice,
  page,
}) => {
  const [id = ''] = await write(alice, page.id, 'nothing')
  await rewrite(alice, id, 'https://example.org/a')
  const { duplicatePage: copy } = await alice.mutate(DuplicatePageDocument, { input: { id: page.id } })
  if (copy.__typename !== 'Page') throw new Error(JSON.stringify(copy))
  await untilLinked(server)
  const { page: copied } = await alice.query(PageDocument, { id: copy.id })
  expect(await targetsFrom(alice, copied?.blocks.nodes[0]?.id ?? '')).toEqual(['https://example.org/a'])
})
