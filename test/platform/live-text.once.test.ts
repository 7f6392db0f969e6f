import { expect, onTestFinished, test } from 'vitest'
import { createLiveTexts } from '../../src/platform/channels/live-text.ts'
import { createMemoryNudges } from '../../src/platform/channels/nudges.ts'
import { createMemoryTokenLog } from '../../src/platform/channels/token-log.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { quietLog } from '../contracts/channels-rig.ts'

// What a watcher who comes from another node may rely on: it must not be told to begin anew because this node had not
// read as far yet.

const never = 3_600_000

/** Live texts whose reads can be held up after they have seen what there is, as a busy Redis does. */
function createSlowTexts() {
  const log = createMemoryTokenLog(systemClock)
  const nudges = createMemoryNudges()
  const held: (() => void)[] = []
  const reads = { areHeld: false, begun: 0 }
  const tokens = {
    ...log,
    read: async (id: string, from: number) => {
      reads.begun += 1
      const seen = await log.read(id, from)
      if (reads.areHeld) await new Promise<void>((resolve) => held.push(resolve))
      return seen
    },
  }
  const texts = createLiveTexts({
    tokens,
    nudges,
    log: quietLog,
    checkpoints: async () => new Map(),
    tickMillis: never,
  })
  onTestFinished(() => texts.close())
  const release = () => {
    reads.areHeld = false
    for (const resolve of held.splice(0)) resolve()
  }
  return { texts, log, nudges, reads, release }
}

test('a text is opened only after a read that began when it was opened, though another one was under way', async () => {
  const { texts, log, nudges, reads, release } = createSlowTexts()
  reads.areHeld = true
  const text = texts.watch('a', () => undefined)
  // Read at once for a nudge, before the first look has come that far, and then the text grows.
  nudges.publish([{ channel: 'tokens/a', seq: 1 }])
  await expect.poll(() => reads.begun).toBe(1)
  await log.append('a', { fence: 1, at: 0, text: 'ocean' })
  let isOpened = false
  const opened = text.opened.then(() => {
    isOpened = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(isOpened).toBe(false)
  release()
  await opened
  expect(text.text()).toBe('ocean')
})

test('a look finds what nobody has told of', async () => {
  const { texts, log } = createSlowTexts()
  const text = texts.watch('a', () => undefined)
  await text.opened
  await log.append('a', { fence: 1, at: 0, text: 'ocean' })
  expect(text.text()).toBe('')
  await text.look()
  expect(text.text()).toBe('ocean')
})
