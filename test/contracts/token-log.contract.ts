import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { createLiveTexts, type LiveTexts } from '../../src/platform/channels/live-text.ts'
import type { Nudges } from '../../src/platform/channels/nudges.ts'
import type { TokenLog } from '../../src/platform/channels/token-log.ts'
import { quietLog } from './channels-rig.ts'

/** One combination of adapters under the contract: what each of two nodes has. */
export interface TokenLogRig {
  openLog(): TokenLog
  openNudges(): Nudges
}

/** What every log of growing texts promises, and what is built on it. `rig` makes nodes of one deployment. */
export function tokenLogContract(name: string, rig: TokenLogRig): void {
  const opened: { close(): Promise<void> }[] = []
  const log = async () => {
    const made = rig.openLog()
    opened.push(made)
    await made.connected()
    return made
  }
  const node = async (checkpoints = new Map<string, string>()): Promise<LiveTexts> => {
    const [tokens, nudges] = [rig.openLog(), rig.openNudges()]
    const made = createLiveTexts({
      tokens,
      nudges,
      log: quietLog,
      checkpoints: async () => checkpoints,
      tickMillis: 50,
    })
    opened.push({ close: () => made.close().then(() => nudges.close()) })
    await Promise.all([tokens.connected(), nudges.connected()])
    return made
  }
  afterEach(async () => {
    for (const { close } of opened.splice(0)) await close()
  })

  describe(name, () => {
    test('a text is read from any place, as far as it was written', async () => {
      const tokens = await log()
      const id = randomUUID()
      await tokens.append(id, { fence: 1, at: 0, text: 'one 🌊 ' })
      await tokens.append(id, { fence: 1, at: 7, text: 'two' })
      for (let from = 0; from <= 10; from++) expect(await tokens.read(id, from)).toBe('one 🌊 two'.slice(from))
      expect(await tokens.read(id, 11)).toBe('')
      expect(await tokens.read(randomUUID(), 0)).toBe('')
    })

    test('what is sent again is there once', async () => {
      const tokens = await log()
      const id = randomUUID()
      await tokens.append(id, { fence: 1, at: 0, text: 'abc' })
      expect(await tokens.append(id, { fence: 1, at: 0, text: 'abc' })).toBe(true)
      expect(await tokens.append(id, { fence: 1, at: 1, text: 'bcde' })).toBe(true)
      expect(await tokens.read(id, 0)).toBe('abcde')
    })

    test('of two writers the one with the lower fence is refused, and leaves nothing', async () => {
      const tokens = await log()
      const id = randomUUID()
      await tokens.append(id, { fence: 1, at: 0, text: 'first' })
      await tokens.append(id, { fence: 2, at: 5, text: ' second' })
      expect(await tokens.append(id, { fence: 1, at: 5, text: ' late' })).toBe(false)
      expect(await tokens.read(id, 0)).toBe('first second')
    })

    test('a seal and an end keep the writer out', async () => {
      const tokens = await log()
      const [sealed, ended] = [randomUUID(), randomUUID()]
      for (const id of [sealed, ended]) await tokens.append(id, { fence: 1, at: 0, text: 'a' })
      await tokens.seal(sealed, 2)
      await tokens.end(ended, 1)
      for (const id of [sealed, ended]) expect(await tokens.append(id, { fence: 1, at: 1, text: 'b' })).toBe(false)
      expect(await tokens.read(sealed, 0)).toBe('a')
    })

    test('a text that begins after the asked place has no beginning to give', async () => {
      const tokens = await log()
      const id = randomUUID()
      await tokens.append(id, { fence: 1, at: 4, text: 'late' })
      expect(await tokens.read(id, 0)).toBe('')
      expect(await tokens.read(id, 4)).toBe('late')
    })

    test('all who watch a text see it grow, and one who comes late sees it whole', async () => {
      const live = await node()
      const id = randomUUID()
      const early = live.watch(id, () => undefined)
      await live.append(id, { fence: 1, at: 0, text: 'abc' })
      await expect.poll(early.text).toBe('abc')
      const late = live.watch(id, () => undefined)
      await late.opened
      expect(late.text()).toBe('abc')
      early.close()
      await live.append(id, { fence: 1, at: 3, text: 'def' })
      await expect.poll(late.text).toBe('abcdef')
      late.close()
    })

    test('where the log has a hole, the checkpoint fills it', async () => {
      const checkpoints = new Map<string, string>()
      const live = await node(checkpoints)
      const id = randomUUID()
      const watched = live.watch(id, () => undefined)
      await live.append(id, { fence: 1, at: 3, text: 'def' })
      await watched.opened
      expect(watched.text()).toBe('')
      checkpoints.set(id, 'abcd')
      await expect.poll(watched.text).toBe('abcdef')
      watched.close()
    })

    test('a seal tells what the writer had said by then', async () => {
      const live = await node()
      const id = randomUUID()
      await live.append(id, { fence: 1, at: 0, text: 'abc' })
      expect(await live.seal(id, 2, 1)).toBe('bc')
      expect(await live.append(id, { fence: 1, at: 3, text: 'd' })).toBe(false)
    })
  })
}
