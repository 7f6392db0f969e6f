import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import {
  aQuestion,
  askModel,
  type ModelServer,
  providerAt,
  registryOf,
  startModelServer,
} from '../../../kit/model-server.ts'

let server: ModelServer
beforeAll(async () => {
  server = await startModelServer()
})
afterEach(() => server.reset())
afterAll(() => server.close())

const line = (message: object, end: object = {}) =>
  JSON.stringify({
    model: 'qwen3',
    created_at: '2026-11-26T20:00:00Z',
    done: false,
    message: { role: 'assistant', content: '', ...message },
    ...end,
  })
const last = (counts: object = { prompt_eval_count: 11, eval_count: 7 }) =>
  line({}, { done: true, done_reason: 'stop', ...counts })

/** Asks an Ollama that writes these lines, and tells as well what has been written to the console. */
async function told(...lines: string[]) {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const registry = registryOf([providerAt('ollama', `${server.url}/api`, null)])
  await server.faults.forPost('/api/chat').thenReply(200, lines.join('\n'), { 'content-type': 'application/x-ndjson' })
  const model = registry.findModel('ollama/qwen3')
  if (model === null) throw new Error('There is no model')
  const outcome = await askModel(model, { ...aQuestion, reasoning: 'LOW' })
  await registry.close()
  const warnings = warn.mock.calls.length
  warn.mockRestore()
  return { ...outcome, warnings }
}

test('what a model thinks is apart from what it says, and what it took is told', async () => {
  const { reasoning, text, end } = await told(
    line({ thinking: 'Deep' }),
    line({ thinking: '.' }),
    line({ content: '11 km' }),
    last(),
  )
  expect([reasoning, text]).toEqual(['Deep.', '11 km'])
  expect(end).toMatchObject({ reason: 'stop', usage: { inputTokens: 11, outputTokens: 7 } })
  const body: unknown = await server.requests[0]?.body.getJson()
  expect(body).toMatchObject({ model: 'qwen3', think: true, stream: true })
})

test('a line that is no part of an answer ends it, and is written nowhere', async () => {
  for (const bad of ['a secret', '{"a":"secret"}', line({ content: 7 }), 'null']) {
    expect(await told(line({ content: '11' }), bad, last())).toMatchObject({
      text: '11',
      failure: { code: 'MODEL_CUT' },
      warnings: 0,
    })
    expect(await told(bad)).toMatchObject({ failure: { code: 'MODEL_SAID_NONSENSE' }, warnings: 0, attempts: 1 })
  }
})

test('an error in the middle of an answer is one, and before it is tried again', async () => {
  const error = JSON.stringify({ error: 'the model runner has stopped' })
  expect(await told(line({ content: '11' }), error)).toMatchObject({
    text: '11',
    failure: { code: 'MODEL_CUT' },
    attempts: 1,
  })
  expect(await told(error)).toMatchObject({ failure: { code: 'MODEL_FAILED' }, attempts: 4, warnings: 0 })
})

test('calls without the last line are no end of a step', async () => {
  const call = line({ tool_calls: [{ id: 'call_1', function: { name: 'depth', arguments: {} } }] })
  expect((await told(call)).failure?.code).toBe('MODEL_CUT')
  expect((await told(call, last())).end?.reason).toBe('tools')
})
