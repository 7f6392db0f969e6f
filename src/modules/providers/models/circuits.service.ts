import type { Circuit } from '../../../platform/circuit.ts'
import { ModelFailed } from '../../../platform/models.ts'

/**
 * Passes a stream through a circuit. What has begun is there: from then on a circuit that tries it out lets others in as well,
 * and a failure is one more. A signal that aborts with a TimeoutError is a failure: the reader waited too long. A
 * reader who leaves before that, or whose signal aborts otherwise, proves nothing. @throws {CircuitOpen}
 */
export async function* throughCircuit<Part>(
  circuit: Circuit,
  signal: AbortSignal,
  start: (begun: () => void) => AsyncIterable<Part>,
): AsyncGenerator<Part> {
  const entered = Promise.withResolvers<void>()
  const first = Promise.withResolvers<void>()
  const call = circuit.execute(() => {
    entered.resolve()
    return first.promise
  })
  // Whoever reads the stream hears of it.
  call.catch(() => undefined)
  await Promise.race([entered.promise, call])
  let hasBegun = false
  const begun = () => {
    hasBegun = true
    first.resolve()
  }
  try {
    yield* start(begun)
    first.resolve()
  } catch (error) {
    const failure = failureOf(error, signal)
    if (failure !== null) first.reject(failure)
    if (failure !== null && hasBegun) await circuit.execute(() => Promise.reject(failure)).catch(() => undefined)
    throw error
  } finally {
    first.reject(new DOMException('Nobody reads on', 'AbortError'))
  }
}

/** What a circuit is told of it; null when it proves nothing. */
function failureOf(error: unknown, signal: AbortSignal): unknown {
  if (!signal.aborted) return error
  const { reason }: { readonly reason: unknown } = signal
  const isTooSlow = reason instanceof Error && reason.name === 'TimeoutError'
  return isTooSlow ? new ModelFailed('MODEL_TIMED_OUT', 'Whoever read it waited too long') : null
}
