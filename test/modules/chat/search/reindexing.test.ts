import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { indexBacklog, noteEverything } from '../../../../src/modules/chat/search/reindexing.service.ts'
import { newUuid } from '../../../../src/platform/uuid.ts'
import { addText } from './indexed-texts.ts'
import { drain, foundTexts } from './indexer-stage.ts'
import { openStage, type Stage } from './vector-stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())

test('everything is found again when what it is found by was lost, and what is gone is found no more', async () => {
  const organizationId = await stage.organization()
  const { unscoped } = stage.database
  for (const kind of ['PAGE', 'BLOCK', 'MESSAGE'] as const)
    await addText(stage, { organizationId, kind, says: 'A lighthouse' })
  await drain(stage)
  const before = await foundTexts(stage, organizationId)
  // The block stands on a page of its own.
  expect(before).toHaveLength(4)
  await sql`delete from search_text`.execute(unscoped)
  await sql`
    insert into search_text (subject_id, organization_id, kind, home_id, language, words, length, change_id)
    values (${newUuid(new Date())}, ${organizationId}, 'BLOCK', ${organizationId}, 'simple', '''lost'':1', 1, 1)`.execute(
    unscoped,
  )
  expect(await indexBacklog(stage.database)).toEqual({ texts: 0, chunks: 0 })

  expect(await noteEverything(stage.database, new AbortController().signal)).toBe(4)
  expect(await indexBacklog(stage.database)).toEqual({ texts: 5, chunks: 0 })
  await drain(stage)
  expect(await foundTexts(stage, organizationId)).toEqual(before)
  expect(await indexBacklog(stage.database)).toEqual({ texts: 0, chunks: 4 })
})
