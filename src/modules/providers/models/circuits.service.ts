import type { Circuit } from '../../../platform/circuit.ts'

/**
 * Passes a stream through a circuit. What has begun is there: from then on a circuit that tries it out lets others in as well,
 * and a failure is one more. A reader who leaves before that, or whose signal aborts, proves
 * nothing. @throws {CircuitOpen}
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
    if (!signal.aborted) first.reject(error)
    if (!signal.aborted && hasBegun) await circuit.execute(() => Promise.reject(error)).catch(() => undefined)
    throw error
  } finally {
    first.reject(new DOMException('Nobody reads on', 'AbortError'))
  }
}
