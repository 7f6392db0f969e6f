import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { endingAtDone } from '../../../../src/modules/providers/protocols/done-line.service.ts'
import { askModel, type ModelServer, providerAt, registryOf, startModelServer } from '../../../kit/model-server.ts'

let server: ModelServer
beforeAll(async () => {
  server = await startModelServer()
})
afterEach(() => server.reset())
afterAll(() => server.close())

test.each([
  ['openai', 'openai-chat/gpt-4.1'],
  ['groq', 'groq/llama-3.3-70b-versatile'],
  ['mistral', 'mistral/mistral-small-latest'],
  ['together', 'together/deepseek-ai/DeepSeek-V3'],
  ['nouscoder', 'nouscoder/NousCoder-14B'],
])('%s has answered when it says so, though the connection stays open', async (id, modelId) => {
  const open = new Readable({ read: () => undefined })
  const choice = (delta: object, finish_reason: string | null) =>
    `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`
  open.push(`${choice({ role: 'assistant', content: '11 km' }, null)}${choice({}, 'stop')}data: [DONE]\n\n`)
  await server.faults.forAnyRequest().thenStream(200, open, { 'content-type': 'text/event-stream' })
  const registry = registryOf([providerAt(id, `${server.url}/v1`)], { retries: 0 })
  const model = registry.findModel(modelId)
  if (model === null) throw new Error(`There is no ${modelId}`)
  expect(await askModel(model)).toMatchObject({ text: '11 km', failure: null, end: { reason: 'stop' } })
  await registry.close()
  open.destroy()
})

describe('a stream of events', () => {
  const headers = { 'content-type': 'text/event-stream; charset=utf-8' }
  /** What is read of one that is written in these pieces. */
  async function read(
    pieces: readonly string[],
    init: ResponseInit = { headers },
    atEnd: (controller: ReadableStreamDefaultController<Uint8Array>) => void = (controller) => controller.close(),
  ) {
    const waiting = [...pieces]
    const letGo = Promise.withResolvers<void>()
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const next = waiting.shift()
        if (next === undefined) atEnd(controller)
        else controller.enqueue(Buffer.from(next))
      },
      cancel: () => letGo.resolve(),
    })
    const response = await endingAtDone(async () => new Response(body, init))('http://127.0.0.1/')
    return { text: await response.text(), letGo: letGo.promise }
  }

  test('ends at its mark wherever that is cut in two, and takes no other for it', async () => {
    const { text, letGo } = await read(['data: 1\n\nda', 'ta: [DO', 'NE]'], { headers }, () => undefined)
    expect(text).toBe('data: 1\n\ndata: [DONE]')
    await letGo
    expect((await read(['data: [DONE]\n', 'more'])).text).toBe('data: [DONE]\n')
    const others = ['data: "海 data: [DONE]"\n\n', 'data: {"a long line', 'data: [DONE]"}\n', 'data: [DONE]?\n', 'end']
    expect((await read(others)).text).toBe(others.join(''))
  })

  test('is told from what is none, and from a refusal', async () => {
    const pieces = ['data: [DONE]\n', 'more']
    expect((await read(pieces, { headers: { 'content-type': 'text/plain' } })).text).toBe(pieces.join(''))
    expect((await read(pieces, { headers, status: 500 })).text).toBe(pieces.join(''))
  })
})
