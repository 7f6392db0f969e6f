import { print } from 'graphql'
import { expect } from 'vitest'
import {
  CreateTagDocument,
  type CreateTagInput,
  DeleteTagDocument,
  NodeDocument,
  PageDocument,
  PagesDocument,
  TagsDocument,
  UpdateTagDocument,
  type UpdateTagInput,
} from '../../../gql/graphql.ts'
import type { Client } from '../../../kit/client.ts'
import { setRole, trailOf } from '../../../kit/inside.ts'
import { type Person, signUpInto, uuidIn } from '../../../kit/people.ts'
import { makeKey, programOf } from '../../../kit/programs.ts'
import { makeTag, mark } from '../../../kit/tags.ts'
import { test } from '../../../kit/test.ts'
import { addTo, codeOf, createPageIn, createProject } from '../../projects/stage.ts'

const random = 'tag_01h2xcejqtf2nbrexx3vqjhp41'

async function namesOf(person: Client): Promise<string[]> {
  return (await person.query(TagsDocument, { first: 100 })).tags.nodes.map(({ name }) => name)
}

async function create(person: Person, input: CreateTagInput) {
  return (await person.mutate(CreateTagDocument, { input })).createTag
}

async function update(person: Person, input: UpdateTagInput) {
  return (await person.mutate(UpdateTagDocument, { input })).updateTag
}

/** A tag by id, as anything with an id is found. */
async function found(person: Client, id: string): Promise<unknown> {
  return (await person.query(NodeDocument, { id })).node?.id
}

test('a tag is read back as it was made, and listed by name', async ({ alice, bob }) => {
  expect(await makeTag(bob, ' Tide ', { color: '#00AAff' })).toMatchObject({
    name: 'Tide',
    color: '#00aaff',
    version: 1,
  })
  await makeTag(alice, 'anchor')
  await makeTag(alice, 'Boat')
  const { tags } = await alice.query(TagsDocument, { first: 2 })
  expect(tags).toMatchObject({
    totalCount: 3,
    nodes: [{ name: 'anchor', color: '#6b7280' }, { name: 'Boat' }],
    pageInfo: { hasNextPage: true },
  })
  const rest = await alice.query(TagsDocument, { first: 2, after: tags.pageInfo.endCursor ?? null })
  expect(rest.tags).toMatchObject({ nodes: [{ name: 'Tide' }], pageInfo: { hasNextPage: false } })
})

test('of one name, in whatever case and form, there is one tag in an organization', async ({ alice, stranger }) => {
  await makeTag(alice, 'Fische')
  for (const name of ['fische', ' FISCHE ', 'ﬁsche']) {
    expect(await create(alice, { name })).toMatchObject({ __typename: 'TagNameTaken', code: 'TAG_NAME_TAKEN' })
  }
  expect(await create(stranger, { name: 'fische' })).toMatchObject({ __typename: 'Tag' })
  const other = await makeTag(alice, 'Vögel')
  const clash = await update(alice, { id: other.id, expectedVersion: 1, name: 'FISCHE' })
  expect(clash).toMatchObject({ __typename: 'TagNameTaken' })
  const own = await update(alice, { id: other.id, expectedVersion: 1, name: 'VÖGEL' })
  expect(own).toMatchObject({ __typename: 'Tag', name: 'VÖGEL', version: 2 })
  expect(await namesOf(alice)).toEqual(['Fische', 'VÖGEL'])
})

test('each rule of a tag is named with its place', async ({ alice }) => {
  const wrong = await create(alice, { name: ' ', color: 'blue', idempotencyKey: '' })
  if (wrong.__typename !== 'InvalidInput') throw new Error(wrong.__typename)
  expect(wrong.fields.map(({ path }) => path.join('.'))).toEqual(['name', 'color', 'idempotencyKey'])
  const { id } = await makeTag(alice, 'Fish')
  const changed = await update(alice, { id, expectedVersion: 1, name: 'two\nlines', color: '#12345' })
  if (changed.__typename !== 'InvalidInput') throw new Error(changed.__typename)
  expect(changed.fields.map(({ path }) => path.join('.'))).toEqual(['name', 'color'])
})

test('a repeat with the same key answers the tag there is', async ({ alice }) => {
  const input = { name: 'Once', idempotencyKey: 'a key' }
  const [first, second] = [await create(alice, input), await create(alice, input)]
  expect(first).toMatchObject({ __typename: 'Tag' })
  expect(second).toEqual(first)
  expect(await create(alice, { ...input, name: 'Twice' })).toMatchObject({ __typename: 'IdempotencyKeyReused' })
  expect(await namesOf(alice)).toEqual(['Once'])
})

test('a tag is changed from the version that was seen, and what is left out stays', async ({ alice, bob }) => {
  const { id } = await makeTag(alice, 'Sea')
  expect(await update(bob, { id, expectedVersion: 1, color: '#112233' })).toMatchObject({
    name: 'Sea',
    color: '#112233',
    version: 2,
  })
  expect(await update(alice, { id, expectedVersion: 1, name: 'Ocean' })).toMatchObject({
    __typename: 'EditConflict',
    current: { id, name: 'Sea', version: 2 },
  })
  expect(await namesOf(alice)).toEqual(['Sea'])
})

test('a deleted tag is gone from its pages', async ({ server, alice, page }) => {
  const [kept, gone] = [await makeTag(alice, 'Kept'), await makeTag(alice, 'Gone')]
  for (const tag of [kept, gone]) await mark(alice, page, tag)
  const { deleteTag } = await alice.mutate(DeleteTagDocument, { input: { id: gone.id } })
  expect(deleteTag).toEqual({ __typename: 'DeletedTag', deletedId: gone.id })
  expect((await alice.query(PageDocument, { id: page.id })).page?.tags).toMatchObject([{ id: kept.id }])
  expect(await found(alice, gone.id)).toBeUndefined()
  expect(await codeOf(alice.send(DeleteTagDocument, { input: { id: gone.id } }))).toBe('NOT_FOUND')
  const deeds = (await trailOf(server, alice)).filter(({ action }) => action.startsWith('tag.'))
  expect(deeds.map(({ action, outcome }) => [action, outcome])).toEqual([
    ['tag.create', 'allowed'],
    ['tag.create', 'allowed'],
    ['tag.delete', 'allowed'],
    ['tag.delete', 'denied'],
  ])
})

test('a foreign tag, a random one and garbage are answered alike', async ({ alice, stranger, page }) => {
  const foreign = await makeTag(stranger, 'Theirs')
  const ids = [foreign.id, random, 'garbage', page.id, foreign.id.replace('tag', 'page')]
  for (const [document, change] of [
    [print(UpdateTagDocument), { expectedVersion: 1, name: 'Mine' }],
    [print(DeleteTagDocument), {}],
  ] as const) {
    const answers = await Promise.all(ids.map((id) => alice.send(document, { input: { id, ...change } })))
    const shown = answers.map(({ data, errors }) => [data, errors?.[0]?.message, errors?.[0]?.extensions.code])
    for (const answer of shown) expect(answer).toEqual(shown[0])
    expect(shown[0]?.slice(1)).toEqual(['No such tag.', 'NOT_FOUND'])
  }
  expect(await found(alice, foreign.id)).toBeUndefined()
  expect(await namesOf(alice)).toEqual([])
  expect(await namesOf(stranger)).toEqual(['Theirs'])
})

test('a viewer reads all tags and changes none; deleting takes an administrator', async ({ server, alice, bob }) => {
  const { id } = await makeTag(bob, 'Sea')
  expect(await codeOf(bob.send(DeleteTagDocument, { input: { id } }))).toBe('FORBIDDEN')
  await setRole(server, bob, 'VIEWER')
  expect(await namesOf(bob)).toEqual(['Sea'])
  expect(await codeOf(bob.send(CreateTagDocument, { input: { name: 'Mine' } }))).toBe('FORBIDDEN')
  expect(await codeOf(bob.send(UpdateTagDocument, { input: { id, expectedVersion: 1, name: 'Mine' } }))).toBe(
    'FORBIDDEN',
  )
  expect(await namesOf(alice)).toEqual(['Sea'])
})

test('a guest reads the tags of their pages, and no others', async ({ server, alice, page }) => {
  const guest = await signUpInto(server, alice, 'Guest', 'GUEST')
  const projectId = await createProject(alice, { name: 'Theirs' })
  await addTo(alice, projectId, guest, 'EDITOR')
  const pageId = await createPageIn(alice, projectId)
  const [theirs, other] = [await makeTag(alice, 'Theirs'), await makeTag(alice, 'Other')]
  await mark(alice, { id: pageId }, theirs)
  for (const tag of [theirs, other]) await mark(alice, page, tag)

  expect((await guest.query(PageDocument, { id: pageId })).page?.tags).toMatchObject([{ name: 'Theirs' }])
  expect([await found(guest, theirs.id), await found(guest, other.id)]).toEqual([theirs.id, undefined])
  expect((await guest.query(TagsDocument, {})).tags).toMatchObject({ nodes: [], totalCount: 0 })
  const pages = `query ($id: ID!) { node(id: $id) { ... on Tag { pages { totalCount nodes { id } } } } }`
  expect((await guest.send(pages, { id: theirs.id })).data).toEqual({
    node: { pages: { totalCount: 1, nodes: [{ id: pageId }] } },
  })
  expect((await alice.send(pages, { id: theirs.id })).data).toMatchObject({
    node: { pages: { totalCount: 2, nodes: [{ id: pageId }, { id: page.id }] } },
  })
  await guest.close()
})

test('a key that reads pages reads their tags; to list all takes a permission of its own', async ({ alice, page }) => {
  const [borne, bare] = [await makeTag(alice, 'Borne'), await makeTag(alice, 'Bare')]
  await mark(alice, page, borne)
  const reading = programOf(alice, (await makeKey(alice, { permissions: ['page.read'] })).secret)
  const listing = programOf(alice, (await makeKey(alice, { permissions: ['tag.read'] })).secret)
  expect((await reading.query(PageDocument, { id: page.id })).page?.tags).toMatchObject([{ id: borne.id }])
  expect([await found(reading, borne.id), await found(reading, bare.id)]).toEqual([borne.id, undefined])
  expect(await namesOf(reading)).toEqual([])
  expect(await namesOf(listing)).toEqual(['Bare', 'Borne'])
  expect((await listing.query(TagsDocument, {})).tags.nodes[1]?.pages).toEqual({ totalCount: 0, nodes: [] })
  expect((await listing.query(PagesDocument, {})).pages.nodes).toEqual([])
  // Nor is something made that it could not be shown.
  const making = programOf(alice, (await makeKey(alice, { permissions: ['tag.create', 'page.read'] })).secret)
  expect(await codeOf(making.send(CreateTagDocument, { input: { name: 'Unseen' } }))).toBe('FORBIDDEN')
  for (const program of [reading, listing, making]) await program.close()
})

test('an organization has a thousand tags at most', async ({ server, alice }) => {
  const { id } = await makeTag(alice, 'The first')
  const { unscoped } = server.app.platform.database
  const row = await unscoped.selectFrom('tag').selectAll().where('id', '=', uuidIn(id)).executeTakeFirstOrThrow()
  const others = Array.from({ length: 998 }, (_, index) => ({ ...row, id: crypto.randomUUID(), name_key: `${index}` }))
  await unscoped.insertInto('tag').values(others).execute()
  const last = { name: 'The last', idempotencyKey: 'last' }
  expect(await create(alice, last)).toMatchObject({ __typename: 'Tag' })
  expect(await create(alice, { name: 'One more' })).toMatchObject({
    __typename: 'InvalidInput',
    fields: [{ path: ['name'], message: 'there are 1,000 tags already, which is the most' }],
  })
  expect(await create(alice, last)).toMatchObject({ __typename: 'Tag' })
})
