import { expect } from 'vitest'
import { findLostLinks } from '../../../../src/modules/ocean/links/link.jobs.ts'
import { test } from '../../../kit/clocked.ts'
import { targetsFrom } from '../../../kit/links.ts'
import { uuidIn } from '../../../kit/people.ts'
import { createPage, write } from '../../../kit/test.ts'

test('a text whose job was lost is looked at again, once it should have been long ago', async ({ clocked, alice }) => {
  const page = await createPage(alice, 'A page')
  const [id = '', other = ''] = await write(alice, page.id, 'nothing', 'nothing yet')
  const { platform } = clocked.app
  // As after a job that was given up.
  const forget = async (blockId: string, text: string, secondsAgo: number) => {
    const updatedAt = new Date(clocked.clock.now().getTime() - secondsAgo * 1_000)
    const change = { is_linking_due: true, text, updated_at: updatedAt }
    await platform.database.unscoped.updateTable('block').set(change).where('id', '=', uuidIn(blockId)).execute()
  }
  const look = async () => {
    await findLostLinks.run(platform, {}, new AbortController().signal)
    await platform.jobs.idle(10_000)
  }
  await forget(id, 'https://example.org/a', 601)
  await forget(other, 'https://example.org/b', 500)
  await look()
  expect(await targetsFrom(alice, id)).toEqual(['https://example.org/a'])
  expect(await targetsFrom(alice, other)).toEqual([])
  clocked.clock.advance({ seconds: 101 })
  await look()
  expect(await targetsFrom(alice, other)).toEqual(['https://example.org/b'])
})
