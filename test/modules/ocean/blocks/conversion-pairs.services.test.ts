import { expect } from 'vitest'
import { type BlockType, blockTypes, textlessTypes } from '../../../../src/lib/block-content.ts'
import { convert } from '../../../../src/lib/block-conversion.ts'
import { runsOf } from '../../../../src/lib/rich-text.ts'
import { BlockDocument, CreateBlocksDocument } from '../../../gql/graphql.ts'
import type { Person } from '../../../kit/people.ts'
import { createPage, test } from '../../../kit/test.ts'
import { convertBlock, convertTo } from './conversions.ts'
import { blocksOf, linkAll, linksOf } from './outline.ts'
import { samples } from './samples.ts'

/** Makes a block of a type for each type it is to become, each with a child of its own; answers their ids. */
async function makeSamples(person: Person, pageId: string, from: BlockType): Promise<string[]> {
  const blocks = blockTypes.flatMap((_type, index) => [
    { type: from, ...samples[from] },
    { text: 'a child', parentIndex: 2 * index },
  ])
  const { createBlocks: made } = await person.mutate(CreateBlocksDocument, { input: { pageId, blocks } })
  if (made.__typename !== 'CreatedBlocks') throw new Error(`The blocks came to ${JSON.stringify(made)}`)
  return made.blocks.filter((_block, index) => index % 2 === 0).map(({ id }) => id)
}

test.for(blockTypes)(
  'a %s becomes a block of each type and one of its own again; ids, children, links, author and words stay',
  async (from, { server, alice, bob }) => {
    const { id: pageId } = await createPage(bob, from)
    const ids = await makeSamples(bob, pageId, from)
    await linkAll(server, alice, ids)
    const [before, links] = [await blocksOf(alice, pageId), await linksOf(server, ids)]
    const own = { type: from, aside: {}, ...samples[from] }
    const isRefused = (type: BlockType) => textlessTypes.has(type) && convert(own, type, {}).text !== ''
    for (const [index, type] of blockTypes.entries()) {
      const id = ids[index] ?? ''
      const { content, aside, text } = convert(own, type, {})
      if (isRefused(type)) {
        expect(await convertBlock(alice, { id, type })).toBe('WouldLoseText')
        continue
      }
      const there = await convertTo(alice, { id, type, expectedVersion: 1 })
      expect(there).toMatchObject({ id, type, content, text, version: 2 })
      const back = convert({ type, content, aside, text }, from, {})
      const { content: itsContent, text: itsText } = back
      expect(await convertTo(alice, { id, type: from, expectedVersion: 2 })).toMatchObject({
        ...{ id, type: from, content: itsContent, text: itsText, version: 3 },
      })
      const { block } = await alice.query(BlockDocument, { id })
      const said = runsOf(Buffer.from(block?.textState ?? '', 'base64')).map((run) => run.text)
      expect(said.join('')).toBe(itsText)
    }
    const after = await blocksOf(alice, pageId)
    const stands = ({ id, type, depth, position, parent, createdAt, createdBy }: (typeof after)[number]) => ({
      id,
      type,
      depth,
      position,
      parent,
      createdAt,
      createdBy,
    })
    expect(after.map(stands)).toEqual(before.map(stands))
    expect(after.filter(({ text }) => text === 'a child').map(({ version }) => version)).toEqual(ids.map(() => 1))
    expect(await linksOf(server, ids)).toEqual(links)
    // What was refused has changed nothing.
    const untouched = after.filter(({ version, parent }) => version === 1 && parent === null)
    expect(untouched).toEqual(
      before.filter(({ id }) => ids.some((one, at) => one === id && isRefused(blockTypes[at] ?? from))),
    )
  },
)
