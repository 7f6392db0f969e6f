import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type ModelRequest, modelRequest } from '../../../../src/platform/models.ts'
import {
  aQuestion,
  askModel,
  type ModelServer,
  providerAt,
  registryOf,
  startModelServer,
} from '../../../kit/model-server.ts'

// Streams as the providers' manuals show them, where the mock of the contract does not go.

let server: ModelServer
beforeAll(async () => {
  server = await startModelServer()
})
afterEach(() => server.reset())
afterAll(() => server.close())

const tools = [{ name: 'depth', description: 'How deep', inputSchema: { type: 'object', properties: {} } }]
const thinking = modelRequest({ messages: aQuestion.messages, tools, reasoning: 'LOW' })

/** Lines of events, as a provider sends them one after the other. */
const lines = (events: readonly object[]) =>
  events.map((event) => `${'type' in event ? `event: ${event.type}\n` : ''}data: ${JSON.stringify(event)}\n\n`)
const streamed = (events: readonly object[]) => Readable.from(lines(events))
const sse = { 'content-type': 'text/event-stream' }

async function asked(id: string, path: string, request: ModelRequest = aQuestion) {
  const registry = registryOf([providerAt(id.split('/')[0]?.replace('-chat', '') ?? '', `${server.url}${path}`)])
  const model = registry.findModel(id)
  if (model === null) throw new Error(`There is no ${id}`)
  const outcome = await askModel(model, request)
  await registry.close()
  return outcome
}

/** Asks once, then again with what was said and the results of its calls; answers the body of the second request. */
async function roundTrip(id: string, path: string, events: readonly object[], last: readonly object[]) {
  await server.faults.forAnyRequest().once().thenStream(200, streamed(events), sse)
  await server.faults.forAnyRequest().once().thenStream(200, streamed(last), sse)
  const first = await asked(id, path, thinking)
  expect(first.failure).toBeNull()
  const calls = first.parts.flatMap((part) => (part.type === 'call' ? [part.call] : []))
  const results = calls.map(({ id: callId, name }) => ({ callId, name, output: { metres: 10_935 }, isError: false }))
  const said = JSON.parse(JSON.stringify({ content: first.text, calls, replay: first.end?.replay })) as {
    content: string
  }
  const messages = [...thinking.messages, { role: 'assistant', ...said } as const, { role: 'tool', results } as const]
  const second = await asked(id, path, { ...thinking, messages })
  expect(second.failure).toBeNull()
  return { first, second, body: (await server.requests[1]?.body.getText()) ?? '' }
}

describe('Anthropic', () => {
  const start = {
    type: 'message_start',
    message: {
      id: 'm',
      type: 'message',
      role: 'assistant',
      model: 'claude',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 11, output_tokens: 1, cache_read_input_tokens: 5 },
    },
  }
  const block = (index: number, content_block: object, ...deltas: object[]) => [
    { type: 'content_block_start', index, content_block },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ]
  const end = (stop_reason: string) => [
    { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 7 } },
    { type: 'message_stop' },
  ]
  const text = block(0, { type: 'text', text: '' }, { type: 'text_delta', text: '11 km' })
  const overloaded = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }

  test('gets signed and sealed thoughts back as they were', async () => {
    const events = [
      start,
      ...block(
        0,
        { type: 'thinking', thinking: '' },
        { type: 'thinking_delta', thinking: 'Deep.' },
        { type: 'signature_delta', signature: 'signed-by-it' },
      ),
      ...block(1, { type: 'redacted_thinking', data: 'sealed-by-it' }),
      ...block(
        2,
        { type: 'tool_use', id: 'toolu_1', name: 'depth', input: {} },
        { type: 'input_json_delta', partial_json: '{"place":"C"}' },
      ),
      ...end('tool_use'),
    ]
    const { first, second, body } = await roundTrip('anthropic/claude-sonnet-4-6', '/v1', events, [
      start,
      ...text,
      ...end('end_turn'),
    ])
    expect([first.reasoning, first.end?.reason, second.text]).toEqual(['Deep.', 'tools', '11 km'])
    expect(first.end?.usage).toEqual({ inputTokens: 16, cachedInputTokens: 5, outputTokens: 7, reasoningTokens: null })
    for (const kept of ['"signature":"signed-by-it"', '"data":"sealed-by-it"', '"tool_use_id":"toolu_1"', '10935'])
      expect(body).toContain(kept)
  })

  test('an event that says it is overloaded is tried again before the answer, and not in its middle', async () => {
    await server.faults
      .forAnyRequest()
      .once()
      .thenStream(200, streamed([start, overloaded]), sse)
    await server.faults
      .forAnyRequest()
      .once()
      .thenStream(200, streamed([start, ...text, ...end('end_turn')]), sse)
    expect(await asked('anthropic/claude-haiku-4-5', '/v1')).toMatchObject({
      text: '11 km',
      attempts: 2,
      failure: null,
    })
    await server.faults.forAnyRequest().thenStream(200, streamed([start, ...text, overloaded]), sse)
    expect(await asked('anthropic/claude-haiku-4-5', '/v1')).toMatchObject({
      text: '11 km',
      attempts: 1,
      failure: { code: 'MODEL_OVERLOADED' },
    })
  })

  test('a call whose input is no JSON is a call all the same', async () => {
    const broken = block(
      0,
      { type: 'tool_use', id: 'toolu_1', name: 'depth', input: {} },
      { type: 'input_json_delta', partial_json: '{"place":' },
    )
    await server.faults.forAnyRequest().thenStream(200, streamed([start, ...broken, ...end('max_tokens')]), sse)
    const { parts, end: ended } = await asked('anthropic/claude-haiku-4-5', '/v1', { ...thinking, reasoning: 'NONE' })
    expect(parts.find((part) => part.type === 'call')).toEqual({
      type: 'call',
      call: { id: 'toolu_1', name: 'depth', input: undefined },
    })
    expect(ended?.reason).toBe('length')
  })
})

describe('OpenAI responses', () => {
  const created = { type: 'response.created', response: { id: 'r', created_at: 1, model: 'gpt-5' } }
  const completed = {
    type: 'response.completed',
    response: {
      usage: {
        input_tokens: 11,
        input_tokens_details: { cached_tokens: 5 },
        output_tokens: 7,
        output_tokens_details: { reasoning_tokens: 3 },
      },
    },
  }
  const message = [
    { type: 'response.output_item.added', output_index: 0, item: { type: 'message', id: 'msg_1' } },
    { type: 'response.output_text.delta', item_id: 'msg_1', delta: '11 km' },
    { type: 'response.output_item.done', output_index: 0, item: { type: 'message', id: 'msg_1' } },
  ]

  test('gets its sealed thoughts back, since it keeps nothing itself', async () => {
    const call = {
      type: 'function_call',
      id: 'fc_1',
      call_id: 'call_1',
      name: 'depth',
      arguments: '{"place":"C"}',
      status: 'completed',
    }
    const events = [
      created,
      {
        type: 'response.output_item.added',
        output_index: 0,
        item: { type: 'reasoning', id: 'rs_1', encrypted_content: null },
      },
      { type: 'response.reasoning_summary_part.added', item_id: 'rs_1', summary_index: 0 },
      { type: 'response.reasoning_summary_text.delta', item_id: 'rs_1', summary_index: 0, delta: 'Deep.' },
      { type: 'response.reasoning_summary_part.done', item_id: 'rs_1', summary_index: 0 },
      {
        type: 'response.output_item.done',
        output_index: 0,
        item: { type: 'reasoning', id: 'rs_1', encrypted_content: 'sealed-by-it', summary: [] },
      },
      { type: 'response.output_item.added', output_index: 1, item: { ...call, arguments: '' } },
      { type: 'response.function_call_arguments.delta', item_id: 'fc_1', output_index: 1, delta: '{"place":"C"}' },
      { type: 'response.output_item.done', output_index: 1, item: call },
      completed,
    ]
    const { first, second, body } = await roundTrip('openai/gpt-5', '/v1', events, [created, ...message, completed])
    expect([first.reasoning, first.end?.reason, second.text]).toEqual(['Deep.', 'tools', '11 km'])
    expect(first.end?.usage).toEqual({ inputTokens: 11, cachedInputTokens: 5, outputTokens: 7, reasoningTokens: 3 })
    for (const kept of ['"encrypted_content":"sealed-by-it"', '"call_id":"call_1"', '10935', '"store":false'])
      expect(body).toContain(kept)
    expect(body).not.toContain('item_reference')
  })

  test('an error before the answer is tried again, and in its middle keeps its family', async () => {
    const error = { type: 'error', sequence_number: 1, code: 'server_error', message: 'no', param: null }
    await server.faults
      .forAnyRequest()
      .once()
      .thenStream(200, streamed([created, error]), sse)
    await server.faults
      .forAnyRequest()
      .once()
      .thenStream(200, streamed([created, ...message, completed]), sse)
    expect(await asked('openai/gpt-5', '/v1')).toMatchObject({ text: '11 km', attempts: 2, failure: null })
    await server.faults
      .forAnyRequest()
      .thenStream(200, streamed([created, ...message, { ...error, code: 'rate_limit_exceeded' }]), sse)
    expect(await asked('openai/gpt-5', '/v1')).toMatchObject({
      text: '11 km',
      attempts: 1,
      failure: { code: 'MODEL_RATE_LIMITED' },
    })
  })
})

describe('chat completions', () => {
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    id: 'c',
    created: 1,
    model: 'm',
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason }],
  })
  const failed = { error: { message: 'no', type: 'server_error', param: null, code: null } }

  test.each(['openai-chat/gpt-4.1', 'nouscoder/NousCoder-14B', 'groq/llama-3.3-70b-versatile'])(
    '%s: an error in the middle of an answer is one',
    async (id) => {
      await server.faults
        .forAnyRequest()
        .thenStream(200, streamed([chunk({ role: 'assistant', content: '11 km' }), failed]), sse)
      expect(await asked(id, '/v1')).toMatchObject({ text: '11 km', attempts: 1, failure: { code: 'MODEL_FAILED' } })
    },
  )

  test.each([
    'openai-chat/gpt-4.1',
    'nouscoder/NousCoder-14B',
    'groq/llama-3.3-70b-versatile',
    'mistral/mistral-small-latest',
  ])('%s: a stream without its end is cut', async (id) => {
    await server.faults.forAnyRequest().thenStream(200, streamed([chunk({ role: 'assistant', content: '11 km' })]), sse)
    expect(await asked(id, '/v1')).toMatchObject({ text: '11 km', attempts: 1, failure: { code: 'MODEL_CUT' } })
  })

  test('an answer that is cut off by its length, or held back, says so', async () => {
    const ended = async (reason: string) => {
      await server.faults
        .forAnyRequest()
        .once()
        .thenStream(200, streamed([chunk({ content: '11' }), chunk({}, reason)]), sse)
      return (await asked('openai-chat/gpt-4.1', '/v1')).end?.reason
    }
    expect([await ended('length'), await ended('content_filter'), await ended('stop')]).toEqual([
      'length',
      'filtered',
      'stop',
    ])
  })
})

describe('Gemini', () => {
  const part = (parts: object[], finishReason?: string) => ({
    candidates: [
      { content: { role: 'model', parts }, index: 0, ...(finishReason === undefined ? {} : { finishReason }) },
    ],
    usageMetadata: {
      promptTokenCount: 11,
      candidatesTokenCount: 4,
      thoughtsTokenCount: 3,
      cachedContentTokenCount: 5,
      totalTokenCount: 18,
    },
  })

  test('gets the signatures of its thoughts back', async () => {
    const events = [
      part([{ text: 'Deep.', thought: true }]),
      part([{ functionCall: { name: 'depth', args: { place: 'C' } }, thoughtSignature: 'c2lnbmVkLWJ5LWl0' }], 'STOP'),
    ]
    const { first, second, body } = await roundTrip('google/gemini-2.5-flash', '/v1beta', events, [
      part([{ text: '11 km' }], 'STOP'),
    ])
    expect([first.reasoning, first.end?.reason, second.text]).toEqual(['Deep.', 'tools', '11 km'])
    expect(first.end?.usage).toEqual({ inputTokens: 11, cachedInputTokens: 5, outputTokens: 7, reasoningTokens: 3 })
    for (const kept of ['"thoughtSignature":"c2lnbmVkLWJ5LWl0"', '"functionResponse"', '10935'])
      expect(body).toContain(kept)
  })

  test('an error in the middle keeps its family, and a stream without its end is cut', async () => {
    const error = { error: { code: 503, message: 'no', status: 'UNAVAILABLE' } }
    await server.faults
      .forAnyRequest()
      .once()
      .thenStream(200, streamed([part([{ text: '11 km' }]), error]), sse)
    expect(await asked('google/gemini-2.5-flash', '/v1beta')).toMatchObject({
      text: '11 km',
      failure: { code: 'MODEL_OVERLOADED' },
    })
    await server.faults
      .forAnyRequest()
      .once()
      .thenStream(200, streamed([part([{ text: '11 km' }])]), sse)
    expect(await asked('google/gemini-2.5-flash', '/v1beta')).toMatchObject({
      text: '11 km',
      failure: { code: 'MODEL_CUT' },
    })
  })
})

test('Cohere thinks apart from what it says', async () => {
  const events = [
    { type: 'message-start', id: 'm' },
    { type: 'content-start', index: 0, delta: { message: { content: { type: 'thinking', thinking: '' } } } },
    { type: 'content-delta', index: 0, delta: { message: { content: { thinking: 'Deep.' } } } },
    { type: 'content-end', index: 0 },
    { type: 'content-start', index: 1, delta: { message: { content: { type: 'text', text: '' } } } },
    { type: 'content-delta', index: 1, delta: { message: { content: { text: '11 km' } } } },
    { type: 'content-end', index: 1 },
    {
      type: 'message-end',
      delta: { finish_reason: 'COMPLETE', usage: { tokens: { input_tokens: 11, output_tokens: 7 } } },
    },
  ]
  await server.faults.forAnyRequest().thenStream(200, streamed(events), sse)
  const { reasoning, text, end } = await asked('cohere/command-a-reasoning-08-2025', '/v2', thinking)
  expect([reasoning, text]).toEqual(['Deep.', '11 km'])
  expect(end?.usage).toMatchObject({ inputTokens: 11, outputTokens: 7 })
})

test('who says nothing in the middle of an answer is let go of as soon as whoever reads has enough', async () => {
  const endless = new Readable({ read: () => undefined })
  for (const line of lines([
    { id: 'c', created: 1, model: 'm', choices: [{ index: 0, delta: { content: '11' }, finish_reason: null }] },
  ]))
    endless.push(line)
  await server.faults.forAnyRequest().thenStream(200, endless, sse)
  const registry = registryOf([providerAt('nouscoder', `${server.url}/v1`)])
  const stop = new AbortController()
  const stream = registry.findModel('nouscoder/NousCoder-14B')?.stream({} as never, aQuestion, stop.signal)
  const types: string[] = []
  const read = (async () => {
    for await (const part of stream ?? []) {
      types.push(part.type)
      if (part.type === 'text') stop.abort(new Error('Enough'))
    }
  })()
  await expect(read).rejects.toThrow('Enough')
  expect(types).toEqual(['attempt', 'text'])
  await registry.close()
  endless.destroy()
})
