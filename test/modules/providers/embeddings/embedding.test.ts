import { afterAll, beforeAll, describe, expect } from 'vitest'
import { EmbedDocument } from '../../../gql/graphql.ts'
import { type ModelServer, startModelServer } from '../../../kit/model-server.ts'
import { signUp, signUpInto } from '../../../kit/people.ts'
import { makeKey, programOf } from '../../../kit/programs.ts'
import { startServer } from '../../../kit/server.ts'
import { test } from '../../../kit/test.ts'

const model = 'fake/words'

describe('texts are embedded', () => {
  test('in their order, as vectors of which the likeness is the sum of products', async ({ alice }) => {
    const texts = ['deep sea', 'the deep blue sea', 'mountain']
    const { embed } = await alice.query(EmbedDocument, { input: { model, texts } })
    expect(embed.map(({ dimensions, vector }) => [dimensions, vector.length])).toEqual(texts.map(() => [64, 64]))
    const likeness = (one: number, other: number) =>
      (embed[one]?.vector ?? []).reduce((sum, part, index) => sum + part * (embed[other]?.vector[index] ?? 0), 0)
    expect(likeness(0, 0)).toBeCloseTo(1, 4)
    expect(likeness(0, 1)).toBeGreaterThan(likeness(0, 2))
  })

  test('for guests as well, who may ask a model, and for nobody who is not signed in', async ({
    server,
    alice,
    anonymous,
  }) => {
    const guest = await signUpInto(server, alice, 'Guest', 'GUEST')
    const input = { model, texts: ['deep sea'] }
    expect((await guest.query(EmbedDocument, { input })).embed).toHaveLength(1)
    expect((await anonymous.send(EmbedDocument, { input })).errors?.[0]?.extensions?.code).toBe('UNAUTHENTICATED')
    await guest.close()
  })

  test('but it is refused to a key without the grant', async ({ server, alice }) => {
    const { secret } = await makeKey(alice, { permissions: ['page.read'] })
    const program = programOf({ url: server.url }, secret)
    const { errors } = await program.send(EmbedDocument, { input: { model, texts: ['deep sea'] } })
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', family: 'API_403' })
    await program.close()
  })

  test.for([
    ['no text', { model, texts: [] }],
    ['an empty text', { model, texts: [''] }],
    ['a text of nothing', { model, texts: ['  '] }],
    ['too many', { model, texts: Array.from({ length: 101 }, () => 'sea') }],
    ['one that is too long', { model, texts: ['a'.repeat(8_001)] }],
    ['a model that nobody has', { model: 'nobody/nothing', texts: ['sea'] }],
    ['a provider without a key', { model: 'openai/text-embedding-3-small', texts: ['sea'] }],
    ['a provider that makes no vectors', { model: 'anthropic/claude-opus-5', texts: ['sea'] }],
    ['the model that runs here, where it is off', { model: 'embedded/use-lite-en', texts: ['sea'] }],
  ] as const)('but not %s', async ([, input], { alice }) => {
    const { errors } = await alice.send(EmbedDocument, { input: { ...input, texts: [...input.texts] } })
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_REQUEST', family: 'API_400' })
  })
})

describe('by a provider', () => {
  let mock: ModelServer
  beforeAll(async () => {
    mock = await startModelServer()
  })
  afterAll(() => mock.close())

  test('that fails the fault has the family of its own, and not a word of what it said', async () => {
    const environment = { OPENAI_API_KEY: 'a-key', OPENAI_BASE_URL: `${mock.url}/v1`, MODEL_BACK_OFF_MILLIS: '1' }
    const server = await startServer({ environment: { ...environment, OPENAI_COMPATIBLE: `house=${mock.url}/v1` } })
    const alice = await signUp(server, 'Alice')
    await mock.faults.forAnyRequest().thenReply(500, '{"error":{"message":"a secret"}}')
    const extensions = async (id: string) => {
      const { errors } = await alice.send(EmbedDocument, { input: { model: id, texts: ['sea'] } })
      expect(JSON.stringify(errors)).not.toMatch(/secret|127\.0\.0\.1/)
      return errors?.[0]?.extensions
    }
    expect(await extensions('openai/text-embedding-3-small')).toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      family: 'EXT_002',
    })
    expect(await extensions('house/any')).toMatchObject({ code: 'SERVICE_UNAVAILABLE', family: 'EXT_099' })
    await alice.close()
    await server.close()
  })

  test('one person has so much embedded in a minute, and another all the same', async () => {
    const server = await startServer()
    const [alice, bob] = [await signUp(server, 'Alice'), await signUp(server, 'Bob')]
    const input = { model, texts: ['sea'] }
    for (let times = 0; times < 60; times++) await alice.query(EmbedDocument, { input })
    expect((await alice.send(EmbedDocument, { input })).errors?.[0]?.extensions?.code).toBe('RATE_LIMITED')
    expect((await bob.query(EmbedDocument, { input })).embed).toHaveLength(1)
    await Promise.all([alice.close(), bob.close()])
    await server.close()
  })
})
