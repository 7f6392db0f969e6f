import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { vectorOf } from '../../../../src/lib/vectors.ts'
import { indexChanges } from '../../../../src/modules/chat/search/indexing.service.ts'
import { MAX_INDEXED_LENGTH } from '../../../../src/modules/chat/search/search-source.reads.ts'
import { type Embedder, EmbedderBusy, EmbedderFailed } from '../../../../src/platform/embedder.ts'
import { type EmbeddingStage, isFirst, openEmbeddingStage, waits } from './embedding-stage.ts'
import { addText, chunksIn, type FakeEmbedder, fakeEmbedder } from './indexed-texts.ts'

let stage: EmbeddingStage
beforeAll(async () => {
  stage = await openEmbeddingStage()
})
afterAll(() => stage.close())
// What waits is given to whichever model asks.
beforeEach(() => stage.forget())

/** A model that breaks down over whatever has a bad text in it. */
function failingOn(embedder: FakeEmbedder, isBad: (text: string) => boolean): Embedder {
  const embed: Embedder['embed'] = async (texts, options) => {
    if (texts.some(isBad)) throw new EmbedderFailed('it broke')
    return embedder.embed(texts, options)
  }
  return { ...embedder, embed }
}

test('a title, a paragraph and a message are found by what they mean', async () => {
  const embedder = fakeEmbedder('test/all-kinds', 16)
  const organizationId = await stage.organization()
  const page = await addText(stage, { organizationId, kind: 'PAGE', says: 'Low tide' })
  const block = await addText(stage, { organizationId, kind: 'BLOCK', says: ' Twice a day. ', title: 'Tides' })
  const message = await addText(stage, { organizationId, kind: 'MESSAGE', says: 'When is high tide?' })
  expect(await stage.embedAll(embedder)).toBe(1)
  // A paragraph means what it does under its title.
  const texts = ['Low tide', 'Tides: Twice a day.', 'When is high tide?']
  expect(embedder.given.map((given) => given.toSorted())).toEqual([texts.toSorted()])
  for (const [index, text] of [page, block, message].entries()) {
    expect((await stage.nearestTo(texts[index] ?? '', embedder, organizationId))[0]).toEqual(isFirst(text))
  }
  const kept = (await stage.vectorsIn(organizationId)).map(({ vector }) => vectorOf(vector))
  expect(kept).toHaveLength(3)
  for (const text of texts) expect(kept).toContainEqual(embedder.vectorOf(text))
})

test('a model is given 32 texts at most, each part of a long one by itself', async () => {
  const embedder = fakeEmbedder('test/long', 16)
  const organizationId = await stage.organization()
  const says = Array.from({ length: 70 }, (_, index) => `Part ${index} ${'word '.repeat(55)}.`).join('\n')
  const text = await addText(stage, { organizationId, kind: 'MESSAGE', says })
  expect(await stage.embedAll(embedder)).toBe(3)
  expect(embedder.given.map((given) => given.length)).toEqual([32, 32, 6])
  expect(await chunksIn(stage, text)).toHaveLength(70)
  const last = says.split('\n').at(-1) ?? ''
  const [found] = await stage.nearestTo(last.trim(), embedder, organizationId)
  expect(found).toEqual(isFirst(text))
})

test('the same text costs an organization one embedding', async () => {
  const embedder = fakeEmbedder('test/same', 16)
  const [one, other] = [await stage.organization(), await stage.organization()]
  const first = await addText(stage, { organizationId: one, kind: 'MESSAGE', says: 'The same.' })
  const second = await addText(stage, { organizationId: one, kind: 'PAGE', says: 'The same.' })
  await stage.embedAll(embedder)
  const third = await addText(stage, { organizationId: one, kind: 'MESSAGE', says: 'The same.' })
  await stage.embedAll(embedder)
  expect(embedder.given).toEqual([['The same.']])
  expect(await stage.nearestTo('The same.', embedder, one)).toEqual(
    expect.arrayContaining([first, second, third].map(isFirst)),
  )
  // What others have embedded is no use to it, unless they wait at the same time.
  const others = await addText(stage, { organizationId: other, kind: 'MESSAGE', says: 'The same.' })
  await stage.embedAll(embedder)
  expect(embedder.given).toEqual([['The same.'], ['The same.']])
  expect(await stage.nearestTo('The same.', embedder, other)).toEqual([isFirst(others)])
  for (const organizationId of [one, other]) await addText(stage, { organizationId, kind: 'PAGE', says: 'Together.' })
  await stage.embedAll(embedder)
  expect(embedder.given.slice(2)).toEqual([['Together.']])
  expect(await stage.vectorsIn(one)).toHaveLength(2)
  expect(await stage.vectorsIn(other)).toHaveLength(2)
})

test('a chunk that is not what its text says now is not embedded, and its text is indexed anew', async () => {
  const embedder = fakeEmbedder('test/stale', 16)
  const organizationId = await stage.organization()
  const { unscoped } = stage.database
  const changed = await addText(stage, { organizationId, kind: 'MESSAGE', says: 'As it was.' })
  const renamed = await addText(stage, { organizationId, kind: 'BLOCK', says: 'Under a title.', title: 'Old' })
  const gone = await addText(stage, { organizationId, kind: 'MESSAGE', says: 'Gone.' })
  const same = await addText(stage, { organizationId, kind: 'MESSAGE', says: 'The same still.' })
  await sql`update message set content = 'As it is.' where id = ${changed.id}`.execute(unscoped)
  await sql`update page set title = 'New' where organization_id = ${organizationId}`.execute(unscoped)
  await sql`delete from message where id = ${gone.id}`.execute(unscoped)
  await sql`delete from text_change`.execute(unscoped)
  expect(await stage.embedAll(embedder)).toBe(1)
  expect(embedder.given).toEqual([['The same still.']])
  expect(await stage.nearestTo('As it was.', embedder, organizationId)).toMatchObject([{ subjectId: same.id }])
  const changes = await unscoped.selectFrom('text_change').selectAll().execute()
  const noted = changes.map(({ kind, subject_id: id, organization_id: of }) => ({ kind, id, organizationId: of }))
  expect(noted).toHaveLength(3)
  expect(noted).toEqual(expect.arrayContaining([changed, renamed, gone]))
})

test('of a text that is too long the model is given what the indexer cut, also in the middle of a character', async () => {
  const embedder = fakeEmbedder('test/cut', 16)
  const organizationId = await stage.organization()
  const { unscoped } = stage.database
  const says = `${`${'x'.repeat(24)} `.repeat(MAX_INDEXED_LENGTH / 25).slice(0, MAX_INDEXED_LENGTH - 1)}🌊 and more`
  const text = await addText(stage, { organizationId, kind: 'MESSAGE', says })
  await sql`delete from search_text`.execute(unscoped)
  while ((await indexChanges(stage.database, 50)) > 0);
  expect(await stage.embedAll(embedder)).toBeGreaterThan(0)
  const chunks = await chunksIn(stage, text)
  expect(chunks.length).toBeGreaterThan(1)
  expect(chunks.map(({ modelId }) => modelId)).toEqual(chunks.map(() => embedder.id))
  expect(embedder.given.flat().some((given) => given.endsWith('\uFFFD'))).toBe(true)
  expect(await unscoped.selectFrom('text_change').selectAll().execute()).toEqual([])
})

test('what is embedded is counted as its caller counts', async () => {
  const embedder = fakeEmbedder('test/counted', 16)
  await addText(stage, { organizationId: await stage.organization(), kind: 'MESSAGE', says: 'Counted.' })
  const before = stage.database.statementCount()
  expect(await stage.embedAll(embedder)).toBe(1)
  expect(stage.database.statementCount()).toBeGreaterThan(before)
})

test('a text that the model makes no sense of is looked at once', async () => {
  const embedder = fakeEmbedder('test/unread', 16)
  const organizationId = await stage.organization()
  const byScript = await addText(stage, { organizationId, kind: 'MESSAGE', says: '潮汐每天两次' })
  const byLanguage = await addText(stage, { organizationId, kind: 'PAGE', says: 'Chao xi', language: 'zh' })
  expect(await stage.embedAll(embedder)).toBe(1)
  expect(embedder.given).toEqual([])
  for (const text of [byScript, byLanguage]) {
    expect(await chunksIn(stage, text)).toEqual([{ modelId: embedder.id, signs: null }])
  }
  await stage.renew(embedder)
  await stage.tidy(embedder)
  expect(await stage.embedAll(embedder)).toBe(0)
  expect(await stage.nearestTo('潮汐每天两次', embedder, organizationId)).toEqual([])
})

test('a text that the model made sense of once and of which it makes none now is not found by what it was', async () => {
  const embedder = fakeEmbedder('test/turned', 16)
  const organizationId = await stage.organization()
  const text = await addText(stage, { organizationId, kind: 'MESSAGE', says: 'Tides' })
  await stage.embedAll(embedder)
  const { unscoped } = stage.database
  await sql`update search_chunk set model_id = null, signs = null where subject_id = ${text.id}`.execute(unscoped)
  await stage.embedAll({ ...embedder, reads: () => false })
  expect(await stage.nearestTo('Tides', embedder, organizationId)).toEqual([])
  if (stage.hasPgvector) expect(await stage.indexedIn(organizationId)).toEqual([])
})

test('when the model fails the chunks wait on', async () => {
  const organizationId = await stage.organization()
  const text = await addText(stage, { organizationId, kind: 'MESSAGE', says: 'Patience.' })
  const failing = fakeEmbedder('test/failing', 16, async () => {
    throw new Error('the model broke')
  })
  await expect(stage.embed(failing)).rejects.toThrow('the model broke')
  const wrong = [
    { ...failing, embed: async () => [] },
    { ...failing, embed: async () => [new Float32Array(15)] },
    { ...failing, embed: async () => [new Float32Array(16).fill(Number.NaN)] },
  ]
  for (const embedder of wrong) {
    await expect(stage.embed(embedder)).rejects.toThrow('no vector of 16 dimensions')
  }
  expect(await chunksIn(stage, text)).toEqual([waits])
  expect(await stage.vectorsIn(organizationId)).toEqual([])
  const embedder = fakeEmbedder('test/failing', 16)
  await stage.embedAll(embedder)
  expect(await stage.nearestTo('Patience.', embedder, organizationId)).toEqual([isFirst(text)])
})

test('a text that the model fails on holds up no other and is not tried again', async () => {
  const organizationId = await stage.organization()
  const bad = await addText(stage, { organizationId, kind: 'MESSAGE', says: 'Poison.' })
  const good = await addText(stage, { organizationId, kind: 'MESSAGE', says: 'Bread.' })
  const whole = fakeEmbedder('test/poison', 16)
  const embedder = failingOn(whole, (text) => text === 'Poison.')
  expect(await stage.embedAll(embedder)).toBe(1)
  expect(await chunksIn(stage, bad)).toEqual([{ modelId: embedder.id, signs: null }])
  expect(await stage.nearestTo('Bread.', whole, organizationId)).toEqual([isFirst(good)])
  // Alone it is known for what it is, since the model works otherwise.
  const alone = await addText(stage, { organizationId, kind: 'PAGE', says: 'Poison.' })
  expect(await stage.embedAll(embedder)).toBe(1)
  expect(await chunksIn(stage, alone)).toEqual([{ modelId: embedder.id, signs: null }])
})

test('a model that fails on everything takes no text for unreadable', async () => {
  const organizationId = await stage.organization()
  const text = await addText(stage, { organizationId, kind: 'MESSAGE', says: 'Patience again.' })
  const embedder = failingOn(fakeEmbedder('test/broken', 16), () => true)
  await expect(stage.embed(embedder)).rejects.toThrow(EmbedderFailed)
  expect(await chunksIn(stage, text)).toEqual([waits])
})

test('who is refused when texts are tried one by one is told, and the chunks wait on', async () => {
  const organizationId = await stage.organization()
  const says = ['One.', 'Two.']
  const texts = await Promise.all(says.map((text) => addText(stage, { organizationId, kind: 'MESSAGE', says: text })))
  const whole = fakeEmbedder('test/busy', 16)
  const embedder: Embedder = {
    ...whole,
    embed: async (given) => {
      throw given.length > 1 ? new EmbedderFailed('it broke') : new EmbedderBusy('too much waits')
    },
  }
  await expect(stage.embed(embedder)).rejects.toThrow(EmbedderBusy)
  for (const text of texts) expect(await chunksIn(stage, text)).toEqual([waits])
})

test('who stops does not wait for the model', async () => {
  const organizationId = await stage.organization()
  await addText(stage, { organizationId, kind: 'MESSAGE', says: 'Interrupted.' })
  const stopping = new AbortController()
  const slow = fakeEmbedder('test/slow', 16, async (signal) => {
    stopping.abort(new Error('stopped'))
    signal.throwIfAborted()
  })
  await expect(stage.embed(slow, stopping.signal)).rejects.toThrow('stopped')
  expect(await stage.embedAll(fakeEmbedder('test/slow', 16))).toBe(1)
})

test.each([
  ['becomes another', sql`hash = '\\x00'`, waits],
  ['is given the vector of another model', sql`model_id = 'test/other'`, { modelId: 'test/other', signs: null }],
])('a chunk that %s while the model works is left alone', async (_what, change, left) => {
  const organizationId = await stage.organization()
  const text = await addText(stage, { organizationId, kind: 'MESSAGE', says: 'Before.' })
  const { unscoped } = stage.database
  const embedder = fakeEmbedder('test/meanwhile', 16, async () => {
    await sql`update search_chunk set ${change} where subject_id = ${text.id}`.execute(unscoped)
  })
  expect(await stage.embed(embedder)).toBe(0)
  expect(await chunksIn(stage, text)).toEqual([left])
})
