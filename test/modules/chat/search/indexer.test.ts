import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chunkHash, embeddedText } from '../../../../src/lib/search-chunks.ts'
import { rememberFailures } from '../../../../src/modules/chat/search/indexer.service.ts'
import { indexChanges } from '../../../../src/modules/chat/search/indexing.service.ts'
import { createTurns } from '../../../../src/platform/database/in-turn.ts'
import { createLog } from '../../../../src/platform/log.ts'
import { currentLane } from '../../../kit/lane.ts'
import { addText } from './indexed-texts.ts'
import { blockWord, drain, ended, foundTexts } from './indexer-stage.ts'
import { openStage, type Stage } from './vector-stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())

test('a text that cannot be indexed keeps none of the others waiting, and is indexed once it can be', async () => {
  const organizationId = await stage.organization()
  const page = (says: string) => addText(stage, { organizationId, kind: 'PAGE', says })
  const [before, bad, after] = [await page('Before'), await page('Bad'), await page('After')]
  const { unscoped } = stage.database
  await sql`alter table search_text add constraint refused check (words <> '''bad'':1,2'::tsvector) not valid`.execute(
    unscoped,
  )
  const failed: string[] = []
  const onFailure = (subjectId: string) => void failed.push(subjectId)
  expect(await indexChanges(stage.database, 50, { onFailure })).toBe(3)
  expect(failed).toEqual([bad.id])
  expect(await foundTexts(stage, organizationId)).toEqual([before.id, after.id].toSorted())
  expect(await indexChanges(stage.database, 50, { onFailure, except: failed })).toBe(0)
  await sql`alter table search_text drop constraint refused`.execute(unscoped)
  await drain(stage)
  expect(await foundTexts(stage, organizationId)).toEqual([before.id, bad.id, after.id].toSorted())
})

test('texts that are long together are all found, and each of their changes is forgotten', async () => {
  const organizationId = await stage.organization()
  const texts: string[] = []
  for (let count = 0; count < 3; count++) {
    const { id } = await addText(stage, { organizationId, kind: 'MESSAGE', says: '潮汐' })
    texts.push(id)
  }
  const says = '潮汐与灯塔。'.repeat(7_000)
  await sql`update message set content = ${says} where organization_id = ${organizationId}`.execute(
    stage.database.unscoped,
  )
  expect(await indexChanges(stage.database, 50)).toBe(6)
  expect(await foundTexts(stage, organizationId)).toEqual(texts.toSorted())
  expect(await indexChanges(stage.database, 50)).toBe(0)
})

test('what somebody has indexed of a later change stays, whatever is made of an earlier one', async () => {
  const organizationId = await stage.organization()
  const { unscoped } = stage.database
  const say = (says: string) => addText(stage, { organizationId, kind: 'MESSAGE', says })
  const [changed, gone] = [await say('Before'), await say('Gone')]
  await drain(stage)
  await sql`update search_text set change_id = 1000000, words = '''later'':1' where organization_id = ${organizationId}`.execute(
    unscoped,
  )
  await sql`update message set content = 'Earlier' where id = ${changed.id}`.execute(unscoped)
  await sql`delete from message where id = ${gone.id}`.execute(unscoped)
  await drain(stage)
  const { rows } = await sql`
    select subject_id as id, words::text from search_text where organization_id = ${organizationId} order by id`.execute(
    unscoped,
  )
  expect(rows).toEqual([changed.id, gone.id].toSorted().map((id) => ({ id, words: "'later':1" })))
})

test('nobody waits for what others have brought in, nor for what they have brought in themselves', async () => {
  const [first, other] = [await stage.organization(), await stage.organization()]
  const say = (organizationId: string, says: string) => addText(stage, { organizationId, kind: 'MESSAGE', says })
  for (let count = 0; count < 60; count++) await say(first, `Brought in ${count}`)
  const [theirs, own] = [await say(other, 'Of somebody else'), await say(first, 'Written by hand')]
  expect(await indexChanges(stage.database, 20)).toBe(20)
  const inFirst = await foundTexts(stage, first)
  expect([await foundTexts(stage, other), inFirst.includes(own.id), inFirst.length]).toEqual([[theirs.id], true, 19])
  await drain(stage)
  expect(await foundTexts(stage, first)).toHaveLength(61)
})

test('organizations take turns, also when more of them wait than there is room for', async () => {
  const organizations = await Promise.all(Array.from({ length: 12 }, () => stage.organization()))
  for (const organizationId of organizations)
    for (let count = 0; count < 3; count++) await addText(stage, { organizationId, kind: 'MESSAGE', says: 'Waiting' })
  const turns = createTurns()
  const counts = () => Promise.all(organizations.map(async (id) => (await foundTexts(stage, id)).length))
  for (let round = 0; round < 3; round++) expect(await indexChanges(stage.database, 4, { turns })).toBe(4)
  expect(await counts()).toEqual(Array(12).fill(1))
  for (let round = 0; round < 3; round++) await indexChanges(stage.database, 4, { turns })
  expect(await counts()).toEqual(Array(12).fill(2))
  await drain(stage)
})

test('what fails rests ever longer, up to an hour, and is told of at first and when it is given up', () => {
  let time = 0
  const told: string[] = []
  const tell = (level: string) => () => void told.push(`${level} at ${time / 1_000} s`)
  const log = { ...createLog({ level: 'warn' }), warn: tell('warning'), error: tell('error') }
  const failures = rememberFailures(log, () => time)
  const rests: number[] = []
  for (let count = 0; count < 6; count++) {
    failures.add('bad', new Error('refused'))
    const since = time
    while (failures.resting().includes('bad')) time += 1_000
    rests.push((time - since) / 1_000)
  }
  expect(rests).toEqual([2, 30, 450, 3_600, 3_600, 3_600])
  expect(told).toEqual(['warning at 0 s', 'error at 482 s'])
})

test('no more than a thousand failures are kept in mind', () => {
  const failures = rememberFailures(createLog({ level: 'silent' }), () => 0)
  for (let count = 0; count < 1_500; count++) failures.add(`text ${count}`, new Error('refused'))
  expect(failures.resting()).toHaveLength(1_000)
  expect(failures.resting()[0]).toBe('text 500')
})

// The embedded database has one session: nobody meets anybody there.
if (currentLane === 'services') {
  describe('where several write at once', () => {
    test('what is deleted while it is being indexed is found no more', async () => {
      const organizationId = await stage.organization()
      const { id } = await addText(stage, { organizationId, kind: 'MESSAGE', says: 'barnacle' })
      const { database } = stage
      // As a text that is indexed for the first time.
      await sql`delete from search_text where subject_id = ${id}`.execute(database.unscoped)
      const hold = await blockWord(stage, organizationId, 'barnacle')
      const first = ended(indexChanges(database, 50))
      await expect.poll(hold.waiting).toBe(1)
      const deleting = ended(sql`delete from message where id = ${id}`.execute(database.unscoped))
      await expect.poll(async () => deleting.isEnded() || (await hold.waiting()) === 2).toBe(true)
      await indexChanges(database, 50)
      await hold.release()
      await Promise.all([first.promise, deleting.promise])
      await drain(stage)
      expect(await foundTexts(stage, organizationId)).toEqual([])
    })

    test('what stands on a new page that is called otherwise while it is being indexed is found by the new title', async () => {
      const organizationId = await stage.organization()
      const { unscoped } = stage.database
      const title = 'Harbour'
      const { id } = await addText(stage, { organizationId, kind: 'BLOCK', says: 'Open all day', title })
      const { rows } = await sql<{ pageId: string }>`select page_id as "pageId" from block where id = ${id}`.execute(
        unscoped,
      )
      const hold = await blockWord(stage, organizationId, 'harbour')
      const first = ended(indexChanges(stage.database, 50))
      await expect.poll(hold.waiting).toBe(1)
      await sql`update page set title = 'Windmill' where id = ${rows[0]?.pageId}`.execute(unscoped)
      const second = ended(indexChanges(stage.database, 50))
      await expect.poll(async () => second.isEnded() || (await hold.waiting()) === 2).toBe(true)
      await hold.release()
      await Promise.all([first.promise, second.promise])
      await drain(stage)
      const chunks = await sql<{ hash: Buffer }>`select hash from search_chunk where subject_id = ${id}`.execute(
        unscoped,
      )
      const text = embeddedText({ title: 'Windmill', text: 'Open all day' })
      expect(chunks.rows.map(({ hash }) => hash)).toEqual([chunkHash(text)])
    })
  })
}
