import { setTimeout as delay } from 'node:timers/promises'
import { type BackOff, backOffMillis } from '../../../lib/back-off.ts'
import { CircuitOpen } from '../../../platform/circuit.ts'
import type { Clock } from '../../../platform/clock.ts'
import type { Log } from '../../../platform/log.ts'
import { ModelFailed } from '../../../platform/models.ts'
import { isPassing, modelFailure } from '../protocols/fault.service.ts'

/** How often and how long something is tried. */
export interface AttemptFigures extends BackOff {
  /** After the first attempt. */
  readonly retries: number
  /** What a provider asks to wait longer for is not waited for. */
  readonly maxRetryAfterSeconds: number
}

/** What attempts need of the world. */
export interface AttemptTools {
  readonly figures: AttemptFigures
  readonly clock: Clock
  readonly log: Log
  /** Of 0 to 1. */
  readonly random: () => number
  /** Ends early when the signal aborts; the machine's time unless given. */
  readonly pause?: (millis: number, signal: AbortSignal) => Promise<unknown>
}

/** Told by an attempt once something has come of it: from then on it is not repeated. */
export type Begun = () => void

/**
 * Tries until something has begun, a few times, as long as what fails may pass.
 * @throws {ModelFailed} the last failure; the signal's reason when it aborts
 */
export async function* attempts<Part>(
  start: (begun: Begun) => AsyncIterable<Part>,
  { id, providerId, signal }: { readonly id: string; readonly providerId: string; readonly signal: AbortSignal },
  tools: AttemptTools,
): AsyncGenerator<Part> {
  const pause = tools.pause ?? ((millis, within) => delay(millis, undefined, { signal: within }))
  for (let failures = 1; ; failures++) {
    let hasBegun = false
    try {
      yield* start(() => {
        hasBegun = true
      })
      return
    } catch (error) {
      signal.throwIfAborted()
      const failure = failureOf(error, { providerId, hasBegun, now: tools.clock.now() })
      const waitMillis = hasBegun ? null : waitAfter(failure, failures, tools)
      tools.log.warn({ model: id, code: failure.code, reason: failure.message, attempt: failures }, 'a model failed')
      if (waitMillis === null) throw failure
      await pause(waitMillis, signal).catch(() => signal.throwIfAborted())
    }
  }
}

/** How long to wait before the next attempt; null when there is to be none. */
function waitAfter(failure: ModelFailed, failures: number, { figures, random }: AttemptTools): number | null {
  if (!isPassing(failure) || failures > figures.retries) return null
  const { retryAfterSeconds } = failure
  if (retryAfterSeconds === null) return backOffMillis(failures, figures, random)
  return retryAfterSeconds > figures.maxRetryAfterSeconds ? null : retryAfterSeconds * 1_000
}

function failureOf(error: unknown, place: Parameters<typeof modelFailure>[1]): ModelFailed {
  if (!(error instanceof CircuitOpen)) return modelFailure(error, place)
  return new ModelFailed('MODEL_CIRCUIT_OPEN', `${place.providerId} failed too often of late`, {
    retryAfterSeconds: error.retryAfterSeconds,
  })
}
