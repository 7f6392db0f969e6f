import { print } from 'graphql'
import { expect } from 'vitest'
import {
  ArchiveProjectDocument,
  MovePageDocument,
  PageDocument,
  PageEventsDocument,
  TagPageDocument,
  UntagPageDocument,
} from '../../../gql/graphql.ts'
import { setRole, trailOf } from '../../../kit/inside.ts'
import { signUpInto, uuidIn } from '../../../kit/people.ts'
import { makeTag, mark, unmark } from '../../../kit/tags.ts'
import { createPage, test, write } from '../../../kit/test.ts'
import { addTo, codeOf, createPageIn, createProject } from '../../projects/stage.ts'

const random = 'tag_01h2xcejqtf2nbrexx3vqjhp41'
const changes = [print(TagPageDocument), print(UntagPageDocument)]

test('a page bears its tags by name, and what changes nothing is no change', async ({ alice, bob, page }) => {
  const [sea, boat] = [await makeTag(alice, 'Sea'), await makeTag(alice, 'boat')]
  expect(await mark(bob, page, sea)).toMatchObject({ version: 2, tags: [{ name: 'Sea' }] })
  expect(await mark(alice, page, boat)).toMatchObject({ version: 3, tags: [{ name: 'boat' }, { name: 'Sea' }] })
  expect(await mark(bob, page, boat)).toMatchObject({ version: 3, tags: [{ name: 'boat' }, { name: 'Sea' }] })
  expect(await unmark(bob, page, sea)).toMatchObject({ version: 4, tags: [{ name: 'boat' }] })
  expect(await unmark(alice, page, sea)).toMatchObject({ version: 4, tags: [{ name: 'boat' }] })
  expect((await alice.query(PageDocument, { id: page.id })).page?.updatedBy.id).toBe(bob.userId)
})

test('whoever watches the page hears of each change of its tags, once', async ({ alice, bob, page }) => {
  const tag = await makeTag(alice, 'Sea')
  const events = bob.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  for (const change of [mark, mark, unmark, unmark, mark]) await change(alice, page, tag)
  await write(alice, page.id, 'the last')
  const heard: (string | undefined)[] = []
  for (let count = 0; count < 4; count += 1) heard.push((await events.next()).pageEvents.__typename)
  events.stop()
  expect(heard).toEqual(['PageUpdated', 'PageUpdated', 'PageUpdated', 'BlockCreated'])
})

test('a foreign tag, a random one and garbage are answered alike', async ({ server, alice, stranger, page }) => {
  const foreign = await makeTag(stranger, 'Theirs')
  for (const document of changes) {
    const answers = await Promise.all(
      [foreign.id, random, 'garbage', page.id].map((tagId) =>
        alice.send(document, { input: { pageId: page.id, tagId } }),
      ),
    )
    const shown = answers.map(({ data, errors }) => [data, errors?.[0]?.message, errors?.[0]?.extensions.code])
    for (const answer of shown) expect(answer).toEqual(shown[0])
    expect(shown[0]?.slice(1)).toEqual(['No such tag.', 'NOT_FOUND'])
  }
  const own = await makeTag(alice, 'Ours')
  const theirs = await createPage(stranger, 'Their page')
  const onTheirs = alice.send(TagPageDocument, { input: { pageId: theirs.id, tagId: own.id } })
  expect(await codeOf(onTheirs)).toBe('NOT_FOUND')
  const marks = server.app.platform.database.unscoped.selectFrom('page_tag').selectAll()
  expect(await marks.where('page_id', 'in', [uuidIn(page.id), uuidIn(theirs.id)]).execute()).toEqual([])
})

test('a viewer tags nothing, and it is written down', async ({ server, alice, bob, page }) => {
  const tag = await makeTag(alice, 'Sea')
  await mark(alice, page, tag)
  await setRole(server, bob, 'VIEWER')
  const input = { pageId: page.id, tagId: tag.id }
  for (const document of changes) {
    expect(await codeOf(bob.send(document, { input }))).toBe('FORBIDDEN')
  }
  expect((await alice.query(PageDocument, { id: page.id })).page?.tags).toHaveLength(1)
  const denied = (await trailOf(server, alice)).filter(({ outcome }) => outcome === 'denied')
  expect(denied).toMatchObject(Array(2).fill({ action: 'page.tag', actor: bob.userId, target: page.id }))
})

test('a guest who edits a project tags its pages with what they see there', async ({ server, alice }) => {
  const guest = await signUpInto(server, alice, 'Guest', 'GUEST')
  const projectId = await createProject(alice, { name: 'Theirs' })
  await addTo(alice, projectId, guest, 'EDITOR')
  const [one, other] = [await createPageIn(alice, projectId), await createPageIn(alice, projectId)]
  const [seen, unseen] = [await makeTag(alice, 'Seen'), await makeTag(alice, 'Unseen')]
  await mark(alice, { id: one }, seen)
  expect((await mark(guest, { id: other }, seen)).tags).toMatchObject([{ name: 'Seen' }])
  const hidden = guest.send(TagPageDocument, { input: { pageId: other, tagId: unseen.id } })
  expect(await codeOf(hidden)).toBe('NOT_FOUND')
  await guest.close()
})

test('what is archived keeps its tags as they are', async ({ alice, page }) => {
  const projectId = await createProject(alice, { name: 'Done' })
  const tag = await makeTag(alice, 'Sea')
  await mark(alice, page, tag)
  await alice.mutate(MovePageDocument, { input: { id: page.id, projectId } })
  await alice.mutate(ArchiveProjectDocument, { input: { id: projectId } })
  const input = { pageId: page.id, tagId: tag.id }
  for (const document of changes) {
    expect(await codeOf(alice.send(document, { input }))).toBe('FORBIDDEN')
  }
  expect((await alice.query(PageDocument, { id: page.id })).page?.tags).toHaveLength(1)
})

test('a page bears fifty tags at most', async ({ server, alice, page }) => {
  const tags = []
  for (let count = 0; count < 51; count += 1) tags.push(await makeTag(alice, `Tag ${count}`))
  const { unscoped } = server.app.platform.database
  const organization = { organization_id: uuidIn(alice.organizationId), created_at: server.clock.now() }
  const marks = tags.slice(0, 49).map(({ id }) => ({ ...organization, tag_id: uuidIn(id), page_id: uuidIn(page.id) }))
  await unscoped.insertInto('page_tag').values(marks).execute()
  expect((await mark(alice, page, tags[49] ?? { id: '' })).tags).toHaveLength(50)
  const { tagPage } = await alice.mutate(TagPageDocument, { input: { pageId: page.id, tagId: tags[50]?.id ?? '' } })
  expect(tagPage).toMatchObject({
    __typename: 'InvalidInput',
    fields: [{ path: ['tagId'], message: 'the page bears 50 tags, which is the most' }],
  })
  expect((await mark(alice, page, tags[3] ?? { id: '' })).tags).toHaveLength(50)
})
