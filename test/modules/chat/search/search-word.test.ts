import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { indexChanges } from '../../../../src/modules/chat/search/indexing.service.ts'
import { forgetWords } from '../../../../src/modules/chat/search/search-word.jobs.ts'
import type { Platform } from '../../../../src/platform/context.ts'
import { currentLane } from '../../../kit/lane.ts'
import { addText } from './indexed-texts.ts'
import { blockWord, drain, ended, wordsOf } from './indexer-stage.ts'
import { openStage, type Stage } from './vector-stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())

// The job knows of the platform its database.
const run = () => forgetWords.run({ database: stage.database } as Platform, {}, new AbortController().signal)

async function addWords(organizationId: string, ...words: string[]): Promise<void> {
  await sql`
    insert into search_word (organization_id, word) select ${organizationId}, * from unnest(${words}::text[])
    on conflict do nothing`.execute(stage.database.unscoped)
}

test('words that are in no text any more are forgotten, and no others', async () => {
  const [here, there] = [await stage.organization(), await stage.organization()]
  const gone = await addText(stage, { organizationId: here, kind: 'MESSAGE', says: 'The windmills were turning' })
  await addText(stage, { organizationId: here, kind: 'PAGE', says: 'The lighthouses', language: 'en' })
  await addText(stage, { organizationId: there, kind: 'PAGE', says: 'A windmill' })
  await drain(stage)
  await addWords(here, 'light', 'lightho', ...Array.from({ length: 1_200 }, (_, count) => `typed${count}`))
  await sql`delete from message where id = ${gone.id}`.execute(stage.database.unscoped)
  await drain(stage)
  await run()
  expect(await wordsOf(stage, here)).toEqual(['lighthouses', 'the'])
  expect(await wordsOf(stage, there)).toEqual(['windmill'])
})

test('a word that is in a text in another form is kept, and one that its language leaves out is not', async () => {
  const organizationId = await stage.organization()
  await addText(stage, {
    organizationId,
    kind: 'MESSAGE',
    says: 'She was running over the hills and was not tired at all',
  })
  await drain(stage)
  await addWords(organizationId, 'hill', 'valley')
  await run()
  const words = await wordsOf(stage, organizationId)
  expect(words).toEqual(expect.arrayContaining(['hill', 'hills', 'running', 'tired']))
  for (const word of ['valley', 'the', 'and']) expect(words).not.toContain(word)
})

// The embedded database has one session: nobody meets anybody there.
if (currentLane === 'services') {
  test('a word is kept that somebody is just writing into a text', async () => {
    const organizationId = await stage.organization()
    await addWords(organizationId, 'anemone')
    await addText(stage, { organizationId, kind: 'MESSAGE', says: 'anemone barnacle' })
    const hold = await blockWord(stage, organizationId, 'barnacle')
    const indexing = ended(indexChanges(stage.database, 50))
    await expect.poll(hold.waiting).toBe(1)
    const forgetting = ended(run())
    await expect.poll(async () => forgetting.isEnded() || (await hold.waiting()) === 2).toBe(true)
    await hold.release()
    await Promise.all([indexing.promise, forgetting.promise])
    expect(await wordsOf(stage, organizationId)).toEqual(['anemone', 'barnacle'])
  })
}
