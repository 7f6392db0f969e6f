import { expect } from 'vitest'
import { UpdateBlockDocument, UpdatePageDocument } from '../../../gql/graphql.ts'
import { indexed } from '../../../kit/inside.ts'
import { uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { createPage, test, write } from '../../../kit/test.ts'

const sentence = (word: string) => `A sentence${` ${word}`.repeat(40)}. `

/** The parts of a text that have a meaning of their own, in order. */
async function chunksOf(server: TestServer, id: string) {
  const { rows } = await server.app.platform.database.pool.query<{ hash: string; text: string; model: string | null }>(
    `select encode(hash, 'hex') as hash, substring(block.text from start + 1 for "end" - start) as text, model_id as model
    from search_chunk join block on block.id = subject_id where subject_id = $1 order by number`,
    [uuidIn(id)],
  )
  return rows
}

test('a long text is several parts, and one that did not change keeps its vector', async ({ server, alice }) => {
  const page = await createPage(alice, 'A page')
  const [id = ''] = await write(alice, page.id, sentence('apple') + sentence('pear') + sentence('plum'))
  await indexed(server, alice)
  const before = await chunksOf(server, id)
  expect(before.map(({ text }) => text)).toEqual([
    sentence('apple').trim(),
    sentence('pear').trim(),
    sentence('plum').trim(),
  ])
  expect(before.every(({ model }) => model !== null)).toBe(true)

  const text = sentence('apple') + sentence('cherry')
  await alice.mutate(UpdateBlockDocument, { input: { id, text } })
  await indexed(server, alice)
  const after = await chunksOf(server, id)
  expect(after.map(({ text }) => text)).toEqual([sentence('apple').trim(), sentence('cherry').trim()])
  expect(after[0]?.hash).toBe(before[0]?.hash)
  expect(after[1]?.hash).not.toBe(before[1]?.hash)
})

test('the title of the page is a part of what everything on it means', async ({ server, alice }) => {
  const page = await createPage(alice, 'Before')
  const [id = ''] = await write(alice, page.id, 'Some words to be found')
  await indexed(server, alice)
  const [before] = await chunksOf(server, id)
  await alice.mutate(UpdatePageDocument, { input: { id: page.id, title: 'After', expectedVersion: 1 } })
  await indexed(server, alice)
  const [after] = await chunksOf(server, id)
  expect(after?.hash).not.toBe(before?.hash)
})
