import type { LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { expect, test } from 'vitest'
import { createStepReader } from '../../../../src/modules/providers/protocols/step.service.ts'
import type { ModelPart } from '../../../../src/platform/models.ts'

const none = { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined }
const usage = {
  inputTokens: { total: 30, noCache: 10, cacheRead: 20, cacheWrite: undefined },
  outputTokens: { total: 9, text: 4, reasoning: 5 },
}
type Unified = Extract<LanguageModelV4StreamPart, { type: 'finish' }>['finishReason']['unified']
const finish = (unified: Unified, raw: string | undefined = 'x', counted = usage): LanguageModelV4StreamPart => ({
  type: 'finish',
  usage: counted,
  finishReason: { unified, raw },
})

function read(parts: readonly LanguageModelV4StreamPart[], providerId = 'anthropic'): ModelPart[] {
  const reader = createStepReader({ providerId, modelId: `${providerId}/a`, capabilities: [], thinksUnasked: false })
  return parts.flatMap((part) => reader.read(part))
}

test('a step is kept as its provider wants to see it again, with what stands at the end of each block', () => {
  const parts = read([
    { type: 'stream-start', warnings: [] },
    { type: 'reasoning-start', id: '0' },
    { type: 'reasoning-delta', id: '0', delta: 'hm' },
    { type: 'reasoning-delta', id: '0', delta: '', providerMetadata: { anthropic: { signature: 's' } } },
    { type: 'reasoning-end', id: '0' },
    { type: 'text-start', id: '1' },
    { type: 'text-end', id: '1' },
    { type: 'text-start', id: '2' },
    { type: 'text-delta', id: '2', delta: 'Let me see.' },
    { type: 'text-end', id: '2', providerMetadata: { openai: { itemId: 'i' } } },
    {
      type: 'tool-call',
      toolCallId: 'c',
      toolName: 'depth',
      input: '{"a":1}',
      providerMetadata: { google: { sign: 't' } },
    },
    finish('tool-calls'),
  ])
  expect(parts.map(({ type }) => type)).toEqual(['reasoning', 'text', 'call', 'end'])
  expect(parts.at(-1)).toEqual({
    type: 'end',
    reason: 'tools',
    usage: { inputTokens: 30, cachedInputTokens: 20, outputTokens: 9, reasoningTokens: 5 },
    replay: {
      providerId: 'anthropic',
      modelId: 'anthropic/a',
      content: [
        { type: 'reasoning', text: 'hm', providerOptions: { anthropic: { signature: 's' } } },
        { type: 'text', text: 'Let me see.', providerOptions: { openai: { itemId: 'i' } } },
        {
          type: 'tool-call',
          toolCallId: 'c',
          toolName: 'depth',
          input: { a: 1 },
          providerOptions: { google: { sign: 't' } },
        },
      ],
    },
  })
})

test('an input that is no JSON is undefined, and none at all is an empty object', () => {
  const inputOf = (input: string) => {
    const [part] = read([{ type: 'tool-call', toolCallId: 'c', toolName: 'depth', input }])
    return part?.type === 'call' ? part.call.input : 'no call'
  }
  expect([inputOf('{"a":'), inputOf(' '), inputOf('[1]'), inputOf('nonsense')]).toEqual([undefined, {}, [1], undefined])
})

test('each end has a reason, and one that waits for results says so whatever the provider calls it', () => {
  const reasonOf = (...parts: LanguageModelV4StreamPart[]) => {
    const end = read(parts).at(-1)
    return end?.type === 'end' ? end.reason : 'none'
  }
  const call: LanguageModelV4StreamPart = { type: 'tool-call', toolCallId: 'c', toolName: 'depth', input: '{}' }
  expect([reasonOf(finish('stop')), reasonOf(finish('length')), reasonOf(finish('content-filter'))]).toEqual([
    'stop',
    'length',
    'filtered',
  ])
  expect([reasonOf(call, finish('other')), reasonOf(call, finish('length'))]).toEqual(['tools', 'length'])
})

test.each([
  ['interrupted', undefined],
  ['other', undefined],
] as const)('an end that is called %s without a word of the provider is a cut', (unified, raw) => {
  expect(() => read([{ ...finish(unified), finishReason: { unified, raw } } as LanguageModelV4StreamPart])).toThrow(
    expect.objectContaining({ code: 'MODEL_CUT' }),
  )
})

test('an end with an error is one, and usage that nobody counted is none', () => {
  expect(() => read([finish('error')])).toThrow(expect.objectContaining({ code: 'MODEL_FAILED' }))
  const uncounted = { inputTokens: none, outputTokens: { total: undefined, text: undefined, reasoning: undefined } }
  expect(read([finish('stop', 'x', uncounted as unknown as typeof usage)])).toMatchObject([{ usage: null }])
  expect(() => read([finish('stop', 'x', uncounted as unknown as typeof usage)], 'ollama')).toThrow(
    expect.objectContaining({ code: 'MODEL_CUT' }),
  )
})

test('what an SDK calls an error in the stream is thrown as it stands', () => {
  const error = { message: 'Overloaded', type: 'overloaded_error' }
  expect(() => read([{ type: 'error', error }])).toThrow(expect.objectContaining(error))
})

test('a model that writes the input of a call is alive, though there is nothing of it yet', () => {
  const parts = read([
    { type: 'tool-input-start', id: 'c', toolName: 'depth' },
    { type: 'tool-input-delta', id: 'c', delta: '{"a":' },
    { type: 'tool-input-delta', id: 'c', delta: '1}' },
    { type: 'tool-input-end', id: 'c' },
    { type: 'tool-call', toolCallId: 'c', toolName: 'depth', input: '{"a":1}' },
  ])
  expect(parts.map(({ type }) => type)).toEqual(['alive', 'alive', 'alive', 'call'])
})
