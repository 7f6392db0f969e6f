import { afterAll, beforeAll, expect } from 'vitest'
import { SearchDocument } from '../../../gql/graphql.ts'
import { wordEmbedder } from '../../../kit/fakes.ts'
import { indexed } from '../../../kit/inside.ts'
import { type ModelServer, startModelServer } from '../../../kit/model-server.ts'
import { signUp } from '../../../kit/people.ts'
import { startServer } from '../../../kit/server.ts'
import { createPage, test, write } from '../../../kit/test.ts'

// Near to each other are texts that share words, to this provider.

const DIMENSIONS = 1_536
const words = wordEmbedder()

let mock: ModelServer
beforeAll(async () => {
  mock = await startModelServer()
})
afterAll(() => mock.close())

async function embedsByWords() {
  await mock.faults.forPost('/v1/embeddings').thenCallback(async ({ body }) => {
    const { input } = (await body.getJson()) as { input: string[] }
    const vectors = await words.embed(input, { signal: new AbortController().signal })
    const data = vectors.map((vector, index) => {
      const embedding = [...vector, ...Array.from({ length: DIMENSIONS - vector.length }, () => 0)]
      return { embedding, index }
    })
    return { statusCode: 200, json: { data, usage: { prompt_tokens: 1 } } }
  })
}

test('a search finds by the vectors of a provider, and by words while that is down', async () => {
  await embedsByWords()
  const server = await startServer({
    environment: {
      EMBEDDINGS: 'openai/text-embedding-3-small',
      OPENAI_API_KEY: 'a-key-of-a-test',
      OPENAI_BASE_URL: `${mock.url}/v1`,
      MODEL_BACK_OFF_MILLIS: '1',
    },
    embedder: 'configured',
  })
  const alice = await signUp(server, 'Alice')
  expect(server.app.platform.embedder?.id).toBe('openai/text-embedding-3-small@1536')
  const page = await createPage(alice, 'Notes')
  await write(alice, page.id, 'The harbour is closed in winter', 'Apples are picked in autumn')
  await indexed(server, alice)
  const found = async (query: string, mode: 'SEMANTIC' | 'HYBRID') => {
    const { search } = await alice.query(SearchDocument, { query, mode, first: 1, filter: { types: ['BLOCK'] } })
    return search.edges[0]?.node.snippet
  }
  expect(await found('closed harbour', 'SEMANTIC')).toContain('harbour')
  const asked = mock.requests.length
  expect(await found('closed harbour', 'SEMANTIC')).toContain('harbour')
  // The question is remembered.
  expect(mock.requests).toHaveLength(asked)
  mock.faults.reset()
  await mock.faults.forAnyRequest().thenReply(500, '{}')
  expect(await found('picked apples', 'HYBRID')).toContain('Apples')
  await alice.close()
  await server.close()
})
