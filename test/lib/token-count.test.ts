import { describe, expect, test } from 'vitest'
import { countTokens, isCountedExactly } from '../../src/lib/token-count.ts'

describe('texts are counted', () => {
  test('as OpenAI counts them', async () => {
    // The examples of its cookbook for o200k_base.
    expect(await countTokens('antidisestablishmentarianism', true)).toEqual({ tokens: 6, isExact: true })
    expect(await countTokens('2 + 2 = 4', true)).toEqual({ tokens: 7, isExact: true })
    expect(await countTokens('お誕生日おめでとう', true)).toEqual({ tokens: 8, isExact: true })
    expect(await countTokens('', true)).toEqual({ tokens: 0, isExact: true })
  })

  test('rather too high for others, though never above their bytes', async () => {
    const text = 'The sea is eleven kilometres deep where it is deepest. '.repeat(20)
    const { tokens } = await countTokens(text, true)
    const other = await countTokens(text, false)
    expect(other.isExact).toBe(false)
    expect(other.tokens).toBeGreaterThan(tokens * 1.3)
    expect(await countTokens('a', false)).toEqual({ tokens: 1, isExact: false })
  })

  test('what looks like a sign of the model’s own is text', async () => {
    expect((await countTokens('<|endoftext|>', true)).tokens).toBeGreaterThan(1)
  })
})

/** The same each time: 256 Ki of these signs, mixed. */
function mixed(signs: string): string {
  const alphabet = [...signs]
  let state = 12_345
  const next = () => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    return alphabet[(state >> 8) % alphabet.length] ?? ''
  }
  return Array.from({ length: 262_144 }, next).join('')
}

// As a whole they take seconds: 64 KiB of emoji fourteen, 256 Ki of slashes and ends of lines twenty-four.
test.each([
  ['letters', 'a'.repeat(65_536)],
  ['pairs', 'ab'.repeat(32_768)],
  ['spaces', ' '.repeat(65_536)],
  ['signs', '!'.repeat(65_536)],
  ['emoji', '👩‍🚀'.repeat(13_000)],
  ['Chinese', '海'.repeat(65_536)],
  ['marks', 'e\u0301'.repeat(32_768)],
  ['digits', '1'.repeat(65_536)],
  ['slashes and ends of lines', '/\n'.repeat(131_072)],
  ['slashes and a few ends of lines', '///\n'.repeat(65_536)],
  ['ends of lines', '\r\n'.repeat(131_072)],
  ['marks alone', '\u0301'.repeat(65_536)],
  ['signs, spaces and ends of lines', mixed('!/\n\r .-')],
  ['slashes, ends of lines and nothing else', mixed('/\n\r')],
  ['marks and signs', mixed('\u0301/\n!')],
  ['a bit of everything', mixed('ab1 /\n\u0301海😀')],
  ['letters, great and small, with marks', mixed('abcXYZ\u0301')],
  ['a million letters', 'a'.repeat(1_000_000)],
])(
  '%s in a row take no time, and count no less than they are',
  async (_what, text) => {
    await countTokens('warm', true)
    const before = performance.now()
    const { tokens } = await countTokens(text, true)
    // Measured: 20 to 120 ms for 64 KiB on one core of 2026.
    expect(performance.now() - before).toBeLessThan(5_000)
    expect(tokens).toBeGreaterThan(text.length / 128)
  },
  60_000,
)

test.each([
  ...['gpt-4o', 'gpt-4o-mini', 'gpt-4.1-nano', 'gpt-5', 'gpt-5.2', 'gpt-5-mini', 'gpt-6.1-sol'],
  ...['o1', 'o3-mini', 'o4-mini', 'chatgpt-4o-latest', 'ft:gpt-4o:house'],
])('%s is counted exactly', (name) => {
  expect(isCountedExactly(name)).toBe(true)
})

test.each(['gpt-4', 'gpt-4-turbo', 'gpt-3.5-turbo', 'gpt-4.10', 'gpt-oss-120b', 'davinci-002', 'o', 'omni'])(
  '%s is estimated',
  (name) => {
    expect(isCountedExactly(name)).toBe(false)
  },
)
