import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { Answer } from '../demo/answer.ts'
import { temporaryDirectory } from './kit/lane.ts'
import { type Exit, launch, runToEnd } from './kit/nodes.ts'

// What a newcomer sees who runs `npm run demo`, in a pipe.

vi.setConfig({ testTimeout: 120_000 })

const limitMillis = 60_000
const directory = temporaryDirectory()
// What Node keeps of the compiled sources is for the next start.
const NODE_DISABLE_COMPILE_CACHE = '1'
const env = { TMPDIR: directory.path, NODE_DISABLE_COMPILE_CACHE }

afterAll(async () => {
  await directory.remove()
  vi.resetConfig()
})

test('the story is told to its end, in plain text, with every promise kept and nothing left behind', async () => {
  const exit = await runToEnd('demo', { env })
  expect(exit).toMatchObject({ code: 0, stderr: '' })
  expect(exit.tookMillis).toBeLessThan(limitMillis)
  expect(exit.stdout).not.toContain('\u001b')
  const inOrder = [
    /listens on http:\/\/127\.0\.0\.1:\d+\/graphql after/,
    /takes Ben on, who signs in again and is EDITOR of “Ada's workspace”/,
    /Ben sees it \d+ ms later, without asking: written by Ada/,
    /his socket is cut after \d+ characters/,
    /Ben is back, and sends the cursor/,
    /5 citations, each with its block/,
    /✓ Ben missed characters \d+ to \d+ and was told them when he came back: no gap, no repeat\./,
    /✓ Ada's text, Ben's text and Message\.content are equal, byte for byte: \d+ bytes each/,
    /The server is closed and its directory removed/,
  ]
  expect(exit.stdout).toMatch(new RegExp(inOrder.map(({ source }) => source).join('[^]*')))
  expectNothingLeft()
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s in the middle of it ends it within 15 s, and nothing is left',
  async (signal) => {
    const program = launch('demo', { env })
    try {
      await vi.waitUntil(() => program.stdout.includes('What he hears'), { timeout: limitMillis, interval: 5 })
      const askedAt = performance.now()
      program.signal(signal)
      program.signal(signal)
      const exit: Exit = await program.ended()
      expect(exit).toMatchObject({ code: 130, stderr: '' })
      expect(performance.now() - askedAt).toBeLessThan(15_000)
      expect(exit.stdout).not.toContain('✓')
    } finally {
      await program.kill()
    }
    expectNothingLeft()
  },
)

test('what cannot be played is told in one sentence, and 1', async () => {
  const exit = await runToEnd('demo', { env: { TMPDIR: join(directory.path, 'nowhere'), NODE_DISABLE_COMPILE_CACHE } })
  expect(exit.code).toBe(1)
  expect(exit.stderr).toMatch(/^\nThe demo broke off: .*nowhere.*\n$/)
})

test('an answer with a gap or a repeat is not as promised', () => {
  const answer = new Answer('Ben')
  const delta = (index: number, text: string) =>
    ({ __typename: 'MessageDelta', cursor: 'c', messageId: 'm', kind: 'TEXT', index, text }) as const
  expect(answer.hear(delta(0, 'In fog'))).toBe('In fog')
  expect(answer.hear(delta(6, ', wait'))).toBe(', wait')
  expect(() => answer.hear(delta(3, 'fog'))).toThrow('Ben has 12 characters, and is told what follows 3')
  expect(() => answer.hear(delta(13, 'here'))).toThrow(
    'not as promised: Ben has 12 characters, and is told what follows 13',
  )
  expect(() => answer.hear({ __typename: 'ResyncRequired', cursor: 'c' })).toThrow('Ben was told ResyncRequired')
})

function expectNothingLeft(): void {
  expect(readdirSync(directory.path)).toEqual([])
}
