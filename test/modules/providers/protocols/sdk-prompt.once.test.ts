import { expect, test } from 'vitest'
import { callOptions } from '../../../../src/modules/providers/protocols/sdk-prompt.service.ts'
import { type ModelMessage, modelRequest } from '../../../../src/platform/models.ts'

const target = {
  providerId: 'anthropic',
  modelId: 'anthropic/a',
  capabilities: ['TOOLS', 'REASONING'],
  thinksUnasked: false,
} as const
const optionsOf = (messages: readonly ModelMessage[], more = {}) =>
  callOptions(modelRequest({ messages, ...more }), target)

test('what the system says stands at the beginning, whenever it was said', () => {
  const { prompt } = optionsOf([
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hello' },
    { role: 'system', content: 'Be kind.' },
  ])
  expect(prompt).toEqual([
    { role: 'system', content: 'Be brief.\n\nBe kind.' },
    { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
  ])
})

test('what the same model made of a step it gets back as it was, and nobody else does', () => {
  const sealed = [{ type: 'reasoning', text: 'hm', providerOptions: { anthropic: { signature: 's' } } }]
  const said = (modelId: string, providerId = 'anthropic'): ModelMessage => ({
    role: 'assistant',
    content: 'Yes',
    calls: [{ id: '1', name: 'depth', input: { place: 'here' } }],
    replay: { providerId, modelId, content: sealed },
  })
  expect(optionsOf([said('anthropic/a')]).prompt).toEqual([{ role: 'assistant', content: sealed }])
  const rebuilt = [
    { type: 'text', text: 'Yes' },
    { type: 'tool-call', toolCallId: '1', toolName: 'depth', input: { place: 'here' } },
  ]
  for (const other of [said('anthropic/b'), said('anthropic/a', 'openai')])
    expect(optionsOf([other]).prompt).toEqual([{ role: 'assistant', content: rebuilt }])
})

test('results are told as text or JSON, and errors as errors', () => {
  const result = (output: unknown, isError: boolean) => ({ callId: '1', name: 'depth', output, isError })
  const results = [result({ a: 1 }, false), result('text', false), result('no', true), result(undefined, true)]
  const [message] = optionsOf([{ role: 'tool', results }]).prompt
  const outputs = message?.role === 'tool' ? message.content.map((part) => 'output' in part && part.output) : []
  expect(outputs).toEqual([
    { type: 'json', value: { a: 1 } },
    { type: 'text', value: 'text' },
    { type: 'error-text', value: 'no' },
    { type: 'error-json', value: null },
  ])
})

test('an answer that said nothing is left out', () => {
  expect(optionsOf([{ role: 'assistant', content: '' }]).prompt).toEqual([])
})

test('a model is asked for nothing that it cannot do', () => {
  const tools = [{ name: 'depth', description: 'How deep', inputSchema: { type: 'object' } }]
  const all = modelRequest({ messages: [], tools, reasoning: 'HIGH', maxOutputTokens: 99, temperature: 0.2 })
  expect(callOptions(all, target)).toMatchObject({
    reasoning: 'high',
    maxOutputTokens: 99,
    temperature: 0.2,
    tools: [{ type: 'function', name: 'depth' }],
  })
  const plain = callOptions(all, { ...target, capabilities: [] })
  expect([plain.tools, plain.reasoning]).toEqual([undefined, undefined])
  expect(callOptions(modelRequest({ messages: [] }), target)).toEqual({ prompt: [], temperature: 0.7 })
})
