import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { expect, test } from 'vitest'
import { answerOnce } from '../../../../src/modules/providers/models/single-attempt.service.ts'
import { systemClock } from '../../../../src/platform/clock.ts'
import { type ModelPart, modelRequest } from '../../../../src/platform/models.ts'

type Script = readonly (LanguageModelV4StreamPart | number)[]

/** A model that writes what it is told to, with pauses in milliseconds; the signal is nothing to it. */
function writing(script: Script): LanguageModelV4 {
  const stream = new ReadableStream<LanguageModelV4StreamPart>({
    async start(controller) {
      for (const step of script) {
        if (typeof step === 'number') await new Promise((resolve) => setTimeout(resolve, step).unref())
        else controller.enqueue(step)
      }
      controller.close()
    },
  })
  return {
    specificationVersion: 'v4',
    provider: 'scripted',
    modelId: 'one',
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error('Nobody asks for it')),
    doStream: async () => ({ stream }),
  }
}

const text: LanguageModelV4StreamPart[] = [
  { type: 'text-start', id: '0' },
  { type: 'text-delta', id: '0', delta: 'deep' },
  { type: 'text-end', id: '0' },
]
const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 1, text: 1, reasoning: undefined },
}
const finish: LanguageModelV4StreamPart = { type: 'finish', usage, finishReason: { unified: 'stop', raw: 'stop' } }
const start: LanguageModelV4StreamPart = { type: 'stream-start', warnings: [] }
const sign: LanguageModelV4StreamPart = { type: 'response-metadata', id: 'an-answer' }
const patience = { firstPartMillis: 60, thoughtMillis: 400 }

async function asking(script: Script, { thinks = false, signal = new AbortController().signal } = {}) {
  let begins = 0
  const parts: ModelPart[] = []
  const question = {
    model: writing(script),
    target: { providerId: 'scripted', modelId: 'scripted/one', capabilities: [], thinksUnasked: false },
    request: modelRequest({ messages: [], reasoning: thinks ? 'LOW' : 'NONE' }),
    providerOptions: {},
  }
  const answer = answerOnce(question, patience, { signal, clock: systemClock, begun: () => void begins++ })
  const failure = await (async () => {
    for await (const part of answer) parts.push(part)
  })().catch((error: unknown) => error)
  return { types: parts.map(({ type }) => type), begins, failure }
}

test('an answer is passed on, and is told once to have begun', async () => {
  expect(await asking([start, sign, ...text, ...text, finish])).toEqual({
    types: ['attempt', 'text', 'text', 'end'],
    begins: 1,
    failure: undefined,
  })
})

test('silence before the first sign of life is a time-out, whatever the SDK makes of its signal', async () => {
  expect(await asking([start, 5_000, ...text, finish])).toMatchObject({
    types: ['attempt'],
    begins: 0,
    failure: { code: 'MODEL_TIMED_OUT' },
  })
})

test('who gives a sign of life, or was asked to think, is waited for longer', async () => {
  expect((await asking([start, sign, 150, ...text, finish])).failure).toBeUndefined()
  expect((await asking([start, 150, ...text, finish], { thinks: true })).failure).toBeUndefined()
  expect((await asking([start, sign, 5_000, ...text, finish])).failure).toMatchObject({ code: 'MODEL_TIMED_OUT' })
})

test('once it has begun whoever reads decides how long to wait', async () => {
  expect((await asking([start, ...text, 500, ...text, finish])).failure).toBeUndefined()
})

test('one who writes the input of a call has begun, and is not too slow', async () => {
  const input: LanguageModelV4StreamPart[] = [
    { type: 'tool-input-start', id: 'c', toolName: 'depth' },
    { type: 'tool-input-delta', id: 'c', delta: '{' },
  ]
  expect(await asking([start, ...input, 500, finish])).toEqual({
    types: ['attempt', 'alive', 'alive', 'end'],
    begins: 1,
    failure: undefined,
  })
})

test('a stream that just ends was cut', async () => {
  expect((await asking([start, ...text])).failure).toMatchObject({ code: 'MODEL_CUT' })
  expect((await asking([start])).failure).toMatchObject({ code: 'MODEL_CUT' })
})

test('whoever is gone before it starts asks nothing', async () => {
  expect((await asking([start], { signal: AbortSignal.abort(new Error('gone')) })).failure).toMatchObject({
    message: 'gone',
  })
})
