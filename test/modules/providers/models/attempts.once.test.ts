import { expect, test } from 'vitest'
import { attempts } from '../../../../src/modules/providers/models/attempts.service.ts'
import { CircuitOpen } from '../../../../src/platform/circuit.ts'
import { createLog } from '../../../../src/platform/log.ts'
import { ModelFailed, type ModelFailureCode } from '../../../../src/platform/models.ts'
import { defaultSettings } from '../../../../src/platform/settings.ts'

const log = createLog({ level: 'silent' })
const clock = { now: () => new Date('2026-11-26T20:00:00Z') }

/** Tries what fails so, by the product's own figures, and tells what came of it and how long each pause was to be. */
async function trying(
  failures: readonly Error[],
  { begins = false, random = () => 1 }: { begins?: boolean; random?: () => number } = {},
) {
  const pauses: number[] = []
  let tries = 0
  const parts = attempts(
    async function* (begun: () => void) {
      const failure = failures[tries]
      tries++
      if (begins) begun()
      yield tries
      if (failure !== undefined) throw failure
    },
    { id: 'openai/gpt-5', providerId: 'openai', signal: new AbortController().signal },
    { figures: defaultSettings.models, clock, log, random, pause: async (millis) => void pauses.push(millis) },
  )
  const code = await Array.fromAsync(parts).then(
    () => null,
    (error: unknown) => (error instanceof ModelFailed ? error.code : String(error)),
  )
  return { pauses, tries, code }
}

const failed = (code: ModelFailureCode, retryAfterSeconds: number | null = null) =>
  new ModelFailed(code, 'x', { retryAfterSeconds })
const four = (code: ModelFailureCode) => Array.from({ length: 4 }, () => failed(code))

test('what fails is tried four times, with pauses that double, a random part of each', async () => {
  expect(await trying(four('MODEL_OVERLOADED'))).toMatchObject({
    pauses: [500, 1_000, 2_000],
    tries: 4,
    code: 'MODEL_OVERLOADED',
  })
  expect(await trying(four('MODEL_UNREACHABLE'), { random: () => 0.5 })).toMatchObject({ pauses: [250, 500, 1_000] })
  expect(await trying(four('MODEL_CUT').slice(0, 2))).toMatchObject({ pauses: [500, 1_000], tries: 3, code: null })
})

test('a provider that asks for a pause is given it, up to 20 seconds', async () => {
  expect(await trying([failed('MODEL_RATE_LIMITED', 7)])).toMatchObject({ pauses: [7_000], code: null })
  expect(await trying([failed('MODEL_RATE_LIMITED', 20)])).toMatchObject({ pauses: [20_000], code: null })
  expect(await trying([failed('MODEL_RATE_LIMITED', 21)])).toMatchObject({ pauses: [], code: 'MODEL_RATE_LIMITED' })
  expect(await trying([failed('MODEL_RATE_LIMITED')])).toMatchObject({ pauses: [500], code: null })
})

test.each(['MODEL_REFUSED_REQUEST', 'MODEL_KEY_REFUSED', 'PROMPT_TOO_LONG', 'MODEL_SAID_NONSENSE'] as const)(
  '%s is not tried again',
  async (code) => {
    expect(await trying([failed(code)])).toMatchObject({ pauses: [], code })
  },
)

test('once anything of an answer has come nothing is tried again', async () => {
  expect(await trying(four('MODEL_CUT'), { begins: true })).toMatchObject({ pauses: [], code: 'MODEL_CUT' })
})

test('whoever goes away waits for no pause', async () => {
  const stop = new AbortController()
  const parts = attempts(
    async function* () {
      setTimeout(() => stop.abort(new Error('gone')), 5)
      throw failed('MODEL_RATE_LIMITED', 20)
    },
    { id: 'openai/gpt-5', providerId: 'openai', signal: stop.signal },
    { figures: defaultSettings.models, clock, log, random: () => 1 },
  )
  await expect(Array.fromAsync(parts)).rejects.toThrow('gone')
})

test('a circuit that is open is not tried again', async () => {
  const open = new CircuitOpen('model/openai', 9)
  expect(await trying([open])).toMatchObject({ pauses: [], code: 'MODEL_CIRCUIT_OPEN' })
  const namesake = Object.assign(new Error('x'), { name: 'CircuitOpen' })
  expect(await trying([namesake])).toMatchObject({ tries: 2, code: null })
})
