/** What a call to a provider goes through: it refuses at once while the provider is away. */
export interface ProviderCircuit {
  readonly state: 'CLOSED' | 'OPEN' | 'HALF_OPEN'
  /** Does the work, which has to end by itself. An AbortError counts for nothing. @throws CircuitOpen */
  execute<Result>(work: () => Promise<Result>): Promise<Result>
}

/** The circuits of a node, one a provider. */
export interface ProviderCircuits {
  of(name: string, kind: 'model', options: { readonly isFailure: (error: unknown) => boolean }): ProviderCircuit
}

/** Circuits that never open. */
export const closedCircuits: ProviderCircuits = {
  of: () => ({ state: 'CLOSED', execute: (work) => work() }),
}

/**
 * Passes a stream through a circuit: the whole of it is one call, of which a reader who leaves, or whose signal aborts, proves
 * nothing.
 */
export async function* throughCircuit<Part>(
  circuit: ProviderCircuit,
  signal: AbortSignal,
  start: () => AsyncIterable<Part>,
): AsyncGenerator<Part> {
  const entered = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const call = circuit.execute(() => {
    entered.resolve()
    return over.promise
  })
  // Whoever reads the stream hears of it.
  call.catch(() => undefined)
  await Promise.race([entered.promise, call])
  try {
    yield* start()
    over.resolve()
  } catch (error) {
    if (!signal.aborted) over.reject(error)
    throw error
  } finally {
    over.reject(new DOMException('Nobody reads on', 'AbortError'))
  }
}
