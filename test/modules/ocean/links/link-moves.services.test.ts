import { expect } from 'vitest'
import { findLinks } from '../../../../src/modules/ocean/links/link.jobs.ts'
import { CreateLinkDocument, DeleteBlockDocument, MergeBlocksDocument } from '../../../gql/graphql.ts'
import { linksFrom, makeLink } from '../../../kit/links.ts'
import { uuidIn } from '../../../kit/people.ts'
import { createPage, test, write } from '../../../kit/test.ts'
import { outcomeOf } from '../blocks/outline.ts'

// Races, on a real database: the embedded one has one session.

test('a merge leaves links right whatever becomes of the blocks they start from', { timeout: 60_000 }, async ({
  server,
  alice,
  bob,
  page,
}) => {
  const { platform } = server.app
  const { unscoped } = platform.database
  const other = await createPage(alice, 'Elsewhere')
  const outcomes: string[] = []
  let merges = 0
  for (let round = 0; round < 12; round += 1) {
    const [into = '', id = ''] = await write(alice, page.id, 'into', 'gone')
    const sources = await write(alice, other.id, ...Array<string>(12).fill('https://example.org/'))
    await Promise.all(sources.map((sourceBlockId) => makeLink(alice, { sourceBlockId, targetId: id })))
    // Half of the texts said so as well before somebody changed them, and are to be looked at again.
    const blockIds = sources.map(uuidIn)
    const said = unscoped.updateTable('link').set({ in_text: true }).where('kind', '=', 'BLOCK')
    await said.where('source_block_id', 'in', blockIds.slice(0, 6)).execute()
    await unscoped.updateTable('block').set({ is_linking_due: true }).where('id', 'in', blockIds).execute()
    const job = findLinks.run(
      platform,
      { organizationId: uuidIn(alice.organizationId), blockIds },
      new AbortController().signal,
    )
    const merging = outcomeOf(alice.send(MergeBlocksDocument, { input: { id, intoId: into } }))
    const asked = sources.map((sourceBlockId, index) =>
      outcomeOf(
        index % 3 === 0
          ? bob.send(DeleteBlockDocument, { input: { id: sourceBlockId } })
          : bob.send(CreateLinkDocument, { input: { sourceBlockId, targetId: into } }),
      ),
    )
    outcomes.push(await merging, ...(await Promise.all(asked)))
    await job
    // Nothing was done by one that met somebody too often.
    const isMerged = (await merging) === 'Block'
    merges += isMerged ? 1 : 0
    for (const source of sources.filter((_, index) => index % 3 !== 0)) {
      const made = (await linksFrom(alice, source)).filter(({ isExplicit }) => isExplicit)
      const targets = made.map(({ target }) => (target && 'id' in target ? target.id : null))
      expect(targets.toSorted()).toEqual(isMerged ? [into] : [id, into].toSorted())
    }
  }
  console.log(`${merges} merges of 12 against what else happens to links`)
  expect(merges).toBeGreaterThan(0)
  expect(
    outcomes.filter((outcome) => !['Block', 'DeletedBlock', 'Link', 'SERVICE_UNAVAILABLE'].includes(outcome)),
  ).toEqual([])
})
