import { describe, expect } from 'vitest'
import { test } from '../../../kit/clocked.ts'
import { indexed } from '../../../kit/inside.ts'
import { makeAgent, makeKey, programOf, tokenOf } from '../../../kit/programs.ts'
import { createPage, write } from '../../../kit/test.ts'
import { chat, found, lighthouse, query } from './rights-stage.ts'
import { searched } from './stage.ts'

describe('a program finds', () => {
  const sights = [
    ['nothing with rights to other things', ['user.read'], []],
    ['pages by their titles alone', ['page.read'], ['page']],
    ['no blocks without their pages', ['block.read'], []],
    ['pages and what stands on them', ['page.read', 'block.read'], ['block', 'other', 'page']],
    ['what is said where it may read that', ['chat_session.read'], ['message']],
  ] as const

  test.for(sights)('%s', async ([, permissions, kinds], { clocked, alice }) => {
    const { page, block } = await lighthouse(alice)
    const other = await createPage(alice, 'A page')
    await write(alice, other.id, 'Not a harbour.')
    const [named = ''] = await write(alice, other.id, 'The lighthouse is white.')
    await chat({ clocked, alice, bob: alice })
    await indexed(clocked, alice)
    const everything = await searched(alice, query)
    const begun = await searched(alice, query, { first: 1 })
    const messages = everything.edges.flatMap(({ node: { node } }) => (node.__typename === 'Message' ? node.id : []))
    expect(everything.totalCount).toBe(6)
    const things = { page: [page], block: [block, named], other: [other.id], message: messages }
    const expected = kinds.flatMap((kind) => things[kind]).toSorted()
    const key = await makeKey(alice, { permissions: [...permissions] })
    const agent = await makeAgent(alice, { permissions: [...permissions] })
    const rest = begun.pageInfo.endCursor
    for (const secret of [key.secret, await tokenOf(alice, agent)]) {
      const program = programOf(alice, secret)
      expect(await found(program)).toEqual(expected)
      const gone = await searched(program, query, { after: rest })
      expect(gone.totalCount).toBe(expected.length)
      for (const { node } of gone.edges) expect(expected).toContain(node.node.id)
      await program.close()
    }
  })
})

test('what a key may not read changes nothing of what it finds', async ({ clocked, alice }) => {
  for (const title of ['The white lighthouse', 'A harbour', 'The old harbour']) await createPage(alice, title)
  const key = programOf(alice, (await makeKey(alice, { permissions: ['page.read'] })).secret)
  const page = await createPage(alice, 'A page')
  const answer = async () => {
    await indexed(clocked, alice)
    return (await searched(key, 'old lighthouse harbour', {})).edges.map(({ node }) => node)
  }
  const before = await answer()
  expect(before).toHaveLength(3)
  await write(alice, page.id, ...Array<string>(20).fill('A lighthouse.'))
  expect(await answer()).toEqual(before)
  await key.close()
})
