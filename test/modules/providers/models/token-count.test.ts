import { describe, expect } from 'vitest'
import { countRequestTokens } from '../../../../src/modules/providers/models/token-count.service.ts'
import { type Model, modelRequest } from '../../../../src/platform/models.ts'
import { CountTokensDocument } from '../../../gql/graphql.ts'
import { signUp } from '../../../kit/people.ts'
import { startServer } from '../../../kit/server.ts'
import { test } from '../../../kit/test.ts'

describe('a text is counted', () => {
  test('exactly for OpenAI, whether it has a key or not, and rather too high for others', async ({ alice }) => {
    const count = async (model: string) => {
      const input = { model, text: 'antidisestablishmentarianism' }
      return (await alice.query(CountTokensDocument, { input })).countTokens
    }
    expect(await count('openai/gpt-5')).toMatchObject({ tokens: 6, isExact: true })
    const other = await count('anthropic/claude-opus-5-5')
    expect(other.isExact).toBe(false)
    expect(other.tokens).toBeGreaterThan(6)
    expect((await count('embedded/extractive')).isExact).toBe(false)
    expect((await count('openai-chat/gpt-5')).isExact).toBe(true)
  })

  test('for a model of this server alone, up to 65,536 characters, and for nobody who is not signed in', async ({
    alice,
    anonymous,
  }) => {
    const codeOf = async (who: typeof alice | typeof anonymous, model: string, text: string) => {
      const { errors } = await who.send(CountTokensDocument, { input: { model, text } })
      return errors?.[0]?.extensions?.code
    }
    expect(await codeOf(alice, 'nobody/nothing', 'a')).toBe('BAD_REQUEST')
    expect(await codeOf(alice, '', 'a')).toBe('BAD_REQUEST')
    expect(await codeOf(alice, 'openai/gpt-5', 'a'.repeat(65_537))).toBe('BAD_REQUEST')
    expect(await codeOf(alice, 'openai/gpt-5', 'a'.repeat(65_536))).toBeUndefined()
    expect(await codeOf(anonymous, 'openai/gpt-5', 'a')).toBe('UNAUTHENTICATED')
  })
})

test('one person asks so often in a minute, and another all the same', async () => {
  const server = await startServer()
  const [alice, bob] = [await signUp(server, 'Alice'), await signUp(server, 'Bob')]
  const input = { model: 'openai/gpt-5', text: 'a' }
  // Twice as often, since a minute may end meanwhile.
  let errors: Awaited<ReturnType<typeof alice.send>>['errors']
  for (let times = 0; times < 241 && errors === undefined; times++)
    errors = (await alice.send(CountTokensDocument, { input })).errors
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'RATE_LIMITED', family: 'API_429' })
  expect((await bob.query(CountTokensDocument, { input })).countTokens.tokens).toBe(1)
  await Promise.all([alice.close(), bob.close()])
  await server.close()
})

describe('a request is counted before it is made', () => {
  const model = { id: 'openai/gpt-5', providerId: 'openai' } as Model
  const counted = (request: Parameters<typeof modelRequest>[0]) => countRequestTokens(model, modelRequest(request))

  test('with everything that is said, its tools and its results', async () => {
    const one = await counted({ messages: [{ role: 'user', content: 'word '.repeat(100) }] })
    expect(one).toBeGreaterThanOrEqual(100)
    const tools = [{ name: 'depth', description: 'word '.repeat(100), inputSchema: {} }]
    const results = [{ callId: '1', name: 'depth', output: { a: 'word '.repeat(100) }, isError: false }]
    const all = await counted({
      messages: [
        { role: 'user', content: 'word '.repeat(100) },
        { role: 'assistant', content: 'word '.repeat(100), calls: [{ id: '1', name: 'depth', input: {} }] },
        { role: 'tool', results },
      ],
      tools,
    })
    expect(all).toBeGreaterThan(400)
    expect(all).toBeLessThan(600)
  })

  test('with a margin for a model of OpenAI that reads by another encoding', async () => {
    const request = modelRequest({ messages: [{ role: 'user', content: 'word '.repeat(1_000) }] })
    const older = await countRequestTokens({ ...model, id: 'openai/gpt-4-turbo' }, request)
    expect(older).toBeGreaterThan(1.3 * (await countRequestTokens(model, request)))
  })

  test('in little time, however long it is', async () => {
    const before = performance.now()
    const messages = Array.from({ length: 50 }, () => ({ role: 'user', content: 'ab'.repeat(50_000) }) as const)
    expect(await counted({ messages })).toBeGreaterThan(500_000)
    expect(performance.now() - before).toBeLessThan(10_000)
  })
})
