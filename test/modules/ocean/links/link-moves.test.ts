import { expect } from 'vitest'
import { newUuid } from '../../../../src/platform/uuid.ts'
import { MergeBlocksDocument, PageEventsDocument } from '../../../gql/graphql.ts'
import { untilLinked } from '../../../kit/links.ts'
import { type Person, uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { test, write } from '../../../kit/test.ts'
import { linksOf, outcomeOf } from '../blocks/outline.ts'

/** Makes links as `source target` or `source target text`. */
async function link(server: TestServer, person: Person, ...lines: [source: string, target: string, how?: 'text'][]) {
  const rows = lines.map(([source, target, how]) => ({
    id: newUuid(server.clock.now()),
    organization_id: uuidIn(person.organizationId),
    source_block_id: uuidIn(source),
    kind: 'BLOCK' as const,
    target_id: uuidIn(target),
    url: null,
    in_text: how === 'text',
    is_explicit: how !== 'text',
    created_by_id: uuidIn(person.userId),
    created_at: server.clock.now(),
  }))
  await server.app.platform.database.unscoped.insertInto('link').values(rows).execute()
}

test('the links of a block that is merged are those of the other then, each once; texts say what they said', async ({
  server,
  alice,
  page,
}) => {
  const [into = '', id = '', one = '', two = '', three = ''] = await write(alice, page.id, 'a', 'b', '1', '2', '3')
  const names = new Map([
    [uuidIn(into), 'into'],
    [uuidIn(id), 'gone'],
    [uuidIn(one), 'one'],
    [uuidIn(two), 'two'],
    [uuidIn(three), 'three'],
  ])
  await link(server, alice, [id, one], [id, two], [into, two], [id, into], [into, id], [id, three, 'text'])
  await link(server, alice, [one, id], [two, id], [two, into], [three, id, 'text'])
  const events = alice.subscribe(PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
  for (let index = 0; index < 5; index += 1) await events.next()
  await alice.mutate(MergeBlocksDocument, { input: { id, intoId: into } })
  const rows = await server.app.platform.database.unscoped
    .selectFrom('link')
    .selectAll()
    .where('organization_id', '=', uuidIn(alice.organizationId))
    .execute()
  const links = rows.map(
    (row) =>
      `${names.get(row.source_block_id)} ${names.get(row.target_id ?? '')}${row.in_text ? ' text' : ''}${row.is_explicit ? ' made' : ''}`,
  )
  expect(links.toSorted()).toEqual(
    [
      'into one made',
      'into two made',
      'into three text',
      'one into made',
      'two into made',
      'three gone text',
    ].toSorted(),
  )
  const told: string[] = []
  while (told.at(-1) !== 'BlockDeleted') {
    const { pageEvents: event } = await events.next()
    const name = 'blockId' in event ? names.get(uuidIn(event.blockId)) : ''
    told.push(event.__typename === 'BlockUpdated' ? `BlockUpdated ${name}` : event.__typename)
  }
  expect(told.toSorted()).toEqual(
    ['BlockTextChanged', 'BlockUpdated into', 'BlockUpdated one', 'BlockUpdated two', 'BlockDeleted'].toSorted(),
  )
  events.stop()
})

test('two blocks with more links than one may have are not merged', async ({ server, alice, page }) => {
  const [into = '', id = '', ...targets] = await write(alice, page.id, 'a', 'b', ...Array<string>(101).fill('to'))
  await link(server, alice, ...targets.map((to, index): [string, string] => [index < 60 ? into : id, to]))
  const merging = () => outcomeOf(alice.send(MergeBlocksDocument, { input: { id, intoId: into } }))
  expect(await merging()).toBe('id')
  expect(await linksOf(server, [id])).toHaveLength(41)
  const [one] = await linksOf(server, [id])
  await server.app.platform.database.unscoped
    .deleteFrom('link')
    .where('id', '=', one?.id ?? '')
    .execute()
  expect(await merging()).toBe('Block')
  expect(await linksOf(server, [into])).toHaveLength(100)
})

test('a link that came over goes when the text does not say it', async ({ server, alice, page }) => {
  const [into = '', id = '', to = ''] = await write(alice, page.id, 'text', '', 'to')
  await link(server, alice, [id, to, 'text'])
  await alice.mutate(MergeBlocksDocument, { input: { id, intoId: into } })
  await untilLinked(server)
  expect(await linksOf(server, [into])).toEqual([])
})
