import { expect } from 'vitest'
import { createAnswerWriter } from '../../../../src/modules/chat/generations/answer-writer.service.ts'
import { createMeter } from '../../../../src/modules/chat/generations/meter.service.ts'
import { newUuid } from '../../../../src/platform/uuid.ts'
import { test } from '../../../kit/test.ts'

test('the halves of a character are sent together, however they were written', async ({ server }) => {
  const { platform } = server.app
  const messageId = newUuid(platform.clock.now())
  const writer = createAnswerWriter(platform, { messageId, fence: 1 }, createMeter(null))
  const watched = platform.liveTexts.watch(messageId, () => undefined)
  try {
    writer.write('a\ud83c')
    expect(await writer.flush()).toBe(true)
    await expect.poll(watched.text).toBe('a')
    writer.write('\udf0a')
    expect(await writer.flush()).toBe(true)
    await expect.poll(watched.text).toBe('a🌊')
  } finally {
    writer.close()
    watched.close()
  }
})

test('a writer that was fenced off is told at its next word, and that word is not seen', async ({ server }) => {
  const { platform } = server.app
  const messageId = newUuid(platform.clock.now())
  const writer = createAnswerWriter(platform, { messageId, fence: 1 }, createMeter(null))
  try {
    writer.write('before')
    await writer.flush()
    expect(await platform.liveTexts.seal(messageId, 2, 0)).toBe('before')
    writer.write(' after')
    expect(await writer.flush()).toBe(false)
    expect(writer.lost.aborted).toBe(true)
    expect(await platform.liveTexts.seal(messageId, 2, 0)).toBe('before')
  } finally {
    writer.close()
  }
})
