import { expect } from 'vitest'
import { CreateTagDocument, DeleteTagDocument, PageDocument, TagPageDocument } from '../../../gql/graphql.ts'
import { uuidIn } from '../../../kit/people.ts'
import { makeTag, mark } from '../../../kit/tags.ts'
import { test } from '../../../kit/test.ts'

// Races, on a real database: the embedded one has one session.

test('of twenty who make a tag of one name at once one does', async ({ alice }) => {
  const names = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 'Race' : 'RACE'))
  const made = await Promise.all(names.map((name) => alice.mutate(CreateTagDocument, { input: { name } })))
  const outcomes = made.map(({ createTag }) => createTag.__typename).sort()
  expect(outcomes).toEqual(['Tag', ...Array(19).fill('TagNameTaken')])
})

test('the last place of an organization is taken once', async ({ server, alice }) => {
  const { id } = await makeTag(alice, 'The first')
  const { unscoped } = server.app.platform.database
  const row = await unscoped.selectFrom('tag').selectAll().where('id', '=', uuidIn(id)).executeTakeFirstOrThrow()
  const others = Array.from({ length: 998 }, (_, index) => ({ ...row, id: crypto.randomUUID(), name_key: `${index}` }))
  await unscoped.insertInto('tag').values(others).execute()
  const names = Array.from({ length: 8 }, (_, index) => `Racer ${index}`)
  const made = await Promise.all(names.map((name) => alice.mutate(CreateTagDocument, { input: { name } })))
  const outcomes = made.map(({ createTag }) => createTag.__typename).sort()
  expect(outcomes).toEqual([...Array(7).fill('InvalidInput'), 'Tag'])
})

test('a page that is tagged by many at once bears each tag once, fifty at most', async ({ server, alice, page }) => {
  const tags = await Promise.all(Array.from({ length: 8 }, (_, index) => makeTag(alice, `Tag ${index}`)))
  const { unscoped } = server.app.platform.database
  const [first] = tags
  const row = unscoped
    .selectFrom('tag')
    .selectAll()
    .where('id', '=', uuidIn(first?.id ?? ''))
  const fillers = Array.from({ length: 48 }, () => crypto.randomUUID())
  const like = await row.executeTakeFirstOrThrow()
  await unscoped
    .insertInto('tag')
    .values(fillers.map((id) => ({ ...like, id, name_key: id })))
    .execute()
  const at = { organization_id: like.organization_id, page_id: uuidIn(page.id), created_at: like.created_at }
  await unscoped
    .insertInto('page_tag')
    .values(fillers.map((id) => ({ ...at, tag_id: id })))
    .execute()
  const tries = [...tags, ...tags].map(({ id }) => ({ input: { pageId: page.id, tagId: id } }))
  const came = await Promise.all(tries.map((input) => alice.mutate(TagPageDocument, input)))
  expect(new Set(came.map(({ tagPage }) => tagPage.__typename))).toEqual(new Set(['Page', 'InvalidInput']))
  const { page: after } = await alice.query(PageDocument, { id: page.id })
  expect(after?.tags).toHaveLength(50)
  expect(after?.version).toBe(3)
})

test('a tag that is deleted while pages are given it is on none of them', async ({ alice, page }) => {
  for (let round = 0; round < 5; round += 1) {
    const tag = await makeTag(alice, `Tag ${round}`)
    const input = { pageId: page.id, tagId: tag.id }
    const [tagged] = await Promise.all([
      alice.send(TagPageDocument, { input }),
      alice.send(DeleteTagDocument, { input: { id: tag.id } }),
    ])
    expect(tagged.errors?.[0]?.extensions.code ?? 'NOT_FOUND').toBe('NOT_FOUND')
    expect((await alice.query(PageDocument, { id: page.id })).page?.tags).toEqual([])
  }
  expect((await mark(alice, page, await makeTag(alice, 'After'))).tags).toHaveLength(1)
})
