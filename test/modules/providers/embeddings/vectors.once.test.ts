import type { EmbeddingModelV4 } from '@ai-sdk/provider'
import { expect, test } from 'vitest'
import { createVectors } from '../../../../src/modules/providers/embeddings/vectors.service.ts'
import { openSdk } from '../../../../src/modules/providers/protocols/sdk.service.ts'
import { createCircuits } from '../../../../src/platform/circuit.ts'
import { systemClock } from '../../../../src/platform/clock.ts'
import { createLog } from '../../../../src/platform/log.ts'
import { standingClock } from '../../../kit/fakes.ts'
import { providerAt, quick } from '../../../kit/model-server.ts'

const provider = providerAt('openai', 'http://127.0.0.1:9/v1')
const tools = { figures: quick, clock: systemClock, log: createLog({ level: 'silent' }), random: () => 0.5 }

/** Vectors of a model that answers so. */
function vectorsBy(
  doEmbed: EmbeddingModelV4['doEmbed'],
  dimensions = 2,
  closing = new AbortController().signal,
  circuit = createCircuits(tools).of('model/openai', 'model'),
) {
  const model: EmbeddingModelV4 = {
    ...{ specificationVersion: 'v4', provider: 'scripted', modelId: 'one' },
    ...{ maxEmbeddingsPerCall: 9, supportsParallelCalls: false, doEmbed },
  }
  const open = { config: provider, sdk: openSdk(provider, fetch), circuit }
  return createVectors(
    { provider: open, model, modelId: 'openai/one', dimensions, closing },
    { tools, patience: { firstPartMillis: 50 } },
  )
}

const answering = (...embeddings: number[][]) => vectorsBy(async () => ({ embeddings, warnings: [] }))

test('vectors come in order and have the length of one', async () => {
  const vectors = await answering([3, 4], [0, -2])(['a', 'b'], true)
  expect(vectors.map((vector) => [...vector].map((part) => Math.round(part * 100) / 100))).toEqual([
    [0.6, 0.8],
    [0, -1],
  ])
  expect([...((await answering([0, 0])(['a'], true))[0] ?? [])]).toEqual([0, 0])
})

test.each([
  ['fewer than there are texts', [[1, 0]]],
  [
    'of other dimensions',
    [
      [1, 0],
      [1, 0, 0],
    ],
  ],
  [
    'that are no numbers',
    [
      [1, 0],
      [Number.NaN, 0],
    ],
  ],
  ['that are empty', [[1, 0], []]],
])('vectors %s are nonsense', async (_what, embeddings) => {
  await expect(answering(...embeddings)(['a', 'b'], false)).rejects.toMatchObject({ code: 'MODEL_SAID_NONSENSE' })
})

test('a provider that takes too long is asked again, and then given up', async () => {
  let times = 0
  const never = vectorsBy(({ abortSignal }) => {
    times++
    return new Promise((_resolve, reject) => abortSignal?.addEventListener('abort', () => reject(abortSignal.reason)))
  })
  await expect(never(['a'], true)).rejects.toMatchObject({ code: 'MODEL_TIMED_OUT' })
  expect(times).toBe(4)
})

test('closing ends what is under way', async () => {
  const closing = new AbortController()
  const never = vectorsBy(
    ({ abortSignal }) =>
      new Promise((_resolve, reject) => abortSignal?.addEventListener('abort', () => reject(abortSignal.reason))),
    2,
    closing.signal,
  )
  const asked = never(['a'], true)
  closing.abort(new Error('closed'))
  await expect(asked).rejects.toThrow('closed')
})

test('vectors that came close the circuit that tried the provider out', async () => {
  const clock = standingClock()
  const circuit = createCircuits({ ...tools, clock }).of('model/openai', 'model')
  for (let failures = 0; failures < 5; failures++)
    await circuit.execute(() => Promise.reject(new Error('away'))).catch(() => undefined)
  expect(circuit.state).toBe('OPEN')
  clock.advance({ seconds: 10 })
  const embed = vectorsBy(async () => ({ embeddings: [[1, 0]], warnings: [] }), 2, undefined, circuit)
  await embed(['a'], true)
  await expect.poll(() => circuit.state).toBe('CLOSED')
})
