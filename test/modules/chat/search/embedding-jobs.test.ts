import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type EmbeddingStage, isFirst, openEmbeddingStage, waits } from './embedding-stage.ts'
import { addText, chunksIn, fakeEmbedder } from './indexed-texts.ts'

let stage: EmbeddingStage
beforeAll(async () => {
  stage = await openEmbeddingStage()
})
afterAll(() => stage.close())
// What waits is given to whichever model asks.
beforeEach(() => stage.forget())

test('without a model nothing is embedded and nothing is forgotten', async () => {
  const embedder = fakeEmbedder('test/off', 16)
  const organizationId = await stage.organization()
  const text = await addText(stage, { organizationId, kind: 'MESSAGE', says: 'On.' })
  await stage.embedAll(embedder)
  const later = await addText(stage, { organizationId, kind: 'MESSAGE', says: 'Off.' })
  expect(await stage.embed(null)).toBe(0)
  await stage.renew(null)
  await stage.tidy(null)
  expect(await chunksIn(stage, later)).toEqual([waits])
  expect(await stage.nearestTo('On.', embedder, organizationId)).toEqual([isFirst(text)])
})

test('another model embeds all anew, and its vectors and those of the one before never meet', async () => {
  const [before, after] = [fakeEmbedder('test/before', 16), fakeEmbedder('test/after', 24)]
  const organizationId = await stage.organization()
  const one = await addText(stage, { organizationId, kind: 'MESSAGE', says: 'One.' })
  const other = await addText(stage, { organizationId, kind: 'MESSAGE', says: 'Other.' })
  await stage.embedAll(before)
  const chinese = await addText(stage, { organizationId: await stage.organization(), kind: 'MESSAGE', says: '潮汐' })
  await stage.embedAll(before)
  const late = await addText(stage, { organizationId, kind: 'MESSAGE', says: 'Late.' })
  // Both at once, as while servers are replaced one by one.
  await stage.embedAll(after)
  expect(await stage.nearestTo('Late.', after, organizationId)).toEqual([isFirst(late)])
  expect(await stage.nearestTo('One.', before, organizationId)).toHaveLength(2)
  await stage.renew(after)
  expect(await chunksIn(stage, one)).toEqual([waits])
  expect(await chunksIn(stage, chinese)).toEqual([waits])
  expect(await stage.nearestTo('One.', before, organizationId)).toEqual([])
  await stage.embedAll(after)
  const found = await stage.nearestTo('One.', after, organizationId)
  expect(found[0]).toEqual(isFirst(one))
  expect(found.map(({ subjectId }) => subjectId).toSorted()).toEqual([one.id, other.id, late.id].toSorted())
  // The vectors of the one before are there for a day: its servers may still ask for them.
  expect(await stage.vectorsIn(organizationId)).toHaveLength(5)
  await stage.tidy(after)
  expect((await stage.vectorsIn(organizationId)).map(({ modelId }) => modelId)).toEqual(Array(3).fill(after.id))
  if (stage.hasPgvector) expect(await stage.indexedIn(organizationId)).toEqual(Array(3).fill(after.id))
})

test('vectors that nobody needs any more are forgotten, and missing ones are made up for', async () => {
  const embedder = fakeEmbedder('test/kept', 16)
  const organizationId = await stage.organization()
  const { unscoped } = stage.database
  const [gone, lost, unindexed, fine] = [
    await addText(stage, { organizationId, kind: 'MESSAGE', says: 'Gone.' }),
    await addText(stage, { organizationId, kind: 'MESSAGE', says: 'Lost.' }),
    await addText(stage, { organizationId, kind: 'MESSAGE', says: 'Unindexed.' }),
    await addText(stage, { organizationId, kind: 'MESSAGE', says: 'Fine.' }),
  ]
  await stage.embedAll(embedder)
  await sql`delete from search_text where subject_id = ${gone.id}`.execute(unscoped)
  await sql`
    delete from search_vector where organization_id = ${organizationId}
      and hash = (select hash from search_chunk where subject_id = ${lost.id})`.execute(unscoped)
  if (stage.hasPgvector) {
    await sql`
      delete from pgvector.embedding
      where chunk_id = (select id from search_chunk where subject_id = ${unindexed.id})`.execute(unscoped)
  }
  await stage.renew(embedder)
  expect(await stage.vectorsIn(organizationId)).toHaveLength(3)
  await stage.tidy(embedder)
  expect(await stage.vectorsIn(organizationId)).toHaveLength(2)
  expect(await chunksIn(stage, lost)).toEqual([waits])
  expect(await chunksIn(stage, fine)).toMatchObject([{ modelId: embedder.id }])
  await stage.embedAll(embedder)
  for (const [says, text] of [['Lost.', lost] as const, ['Unindexed.', unindexed] as const, ['Fine.', fine] as const]) {
    expect((await stage.nearestTo(says, embedder, organizationId))[0]).toEqual(isFirst(text))
  }
  expect(embedder.given.slice(1)).toEqual([['Lost.']])
})
