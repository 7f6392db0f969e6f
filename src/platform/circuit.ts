import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  circuitBreaker,
  handleWhen,
  CircuitState as Inner,
} from 'cockatiel'
import type { Clock } from './clock.ts'
import { Unavailable } from './errors.ts'
import type { Log } from './log.ts'

/** CLOSED: calls go through; OPEN: none does; HALF_OPEN: the next one does, and decides. */
export const circuitStates = ['CLOSED', 'OPEN', 'HALF_OPEN'] as const
export type CircuitState = (typeof circuitStates)[number]

/** What is called through a circuit: it decides after how many failures that opens. */
export type CircuitKind = 'default' | 'model' | 'database'

/** So many failures within the window open a circuit; after the recovery one call is let through. */
interface Figures {
  readonly failures: number
  readonly windowMillis: number
  readonly recoveryMillis: number
}

/** The figures of the design. */
const figures: Readonly<Record<CircuitKind, Figures>> = {
  default: { failures: 5, windowMillis: 60_000, recoveryMillis: 30_000 },
  model: { failures: 5, windowMillis: 60_000, recoveryMillis: 10_000 },
  database: { failures: 3, windowMillis: 30_000, recoveryMillis: 5_000 },
}

/** A circuit as it is now; the counts of failures are this node's own. */
export interface Circuit {
  readonly name: string
  readonly kind: CircuitKind
  /** By the clock: HALF_OPEN as soon as a call would be let through. */
  readonly state: CircuitState
  /** How often it has opened since the start. */
  readonly opens: number
  /**
   * Does the work, or refuses it at once. The work has to end by itself: while it is the one call of a half-open circuit,
   * all others are refused. What it throws is thrown; an AbortError says nothing of the service and counts for nothing.
   * @throws {CircuitOpen}
   */
  execute<Result>(work: () => Promise<Result>): Promise<Result>
}

/** A circuit went over into another state. */
export interface CircuitChange {
  readonly name: string
  readonly kind: CircuitKind
  readonly state: CircuitState
  readonly at: Date
}

/**
 * The circuits of one node. Nodes share none: each judges by its own calls, so that one whose own network is broken takes
 * nothing from the others, and each finds out about a service that is away within its first few calls.
 */
export interface Circuits {
  /** The circuit of this name, made at the first call; `isFailure` (everything, unless given) is that of the first. */
  of(name: string, kind: CircuitKind, options?: { readonly isFailure?: (error: unknown) => boolean }): Circuit
  /** In the order they were made in. */
  list(): readonly Circuit[]
  /** Tells of each change, until the returned function is called. Waits for nobody, and goes on whatever is thrown. */
  watch(listener: (change: CircuitChange) => void): () => void
  /** From here on nobody is told of a change. */
  close(): void
}

/** The service behind a circuit failed too often of late: nothing was asked of it. */
export class CircuitOpen extends Unavailable {
  override readonly name = 'CircuitOpen'
  readonly circuit: string
  /** Whole seconds, 1 at least, after which a call may be let through. */
  readonly retryAfterSeconds: number
  constructor(circuit: string, retryAfterSeconds: number) {
    super()
    this.circuit = circuit
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Makes the circuits of a node. Each change is a line of the log, a warning where one opens. */
export function createCircuits({ clock, log }: { readonly clock: Clock; readonly log: Log }): Circuits {
  const circuits = new Map<string, Circuit>()
  const listeners = new Set<(change: CircuitChange) => void>()
  const changed = (change: CircuitChange, reason: string) => {
    const { name, state } = change
    if (state === 'OPEN') log.warn({ circuit: name, state, reason }, 'circuit opened')
    else log.info({ circuit: name, state }, state === 'CLOSED' ? 'circuit closed' : 'circuit lets one call through')
    for (const listener of listeners) {
      try {
        listener(change)
      } catch (error) {
        // The call that brought the change about has nothing to do with it.
        log.error({ err: error, circuit: name }, 'the change of a circuit could not be told')
      }
    }
  }
  return {
    of: (name, kind, { isFailure = () => true } = {}) => {
      const known = circuits.get(name) ?? new BreakingCircuit({ name, kind, isFailure, clock, changed })
      circuits.set(name, known)
      return known
    },
    list: () => [...circuits.values()],
    watch: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close: () => listeners.clear(),
  }
}

interface CircuitOptions {
  readonly name: string
  readonly kind: CircuitKind
  readonly isFailure: (error: unknown) => boolean
  readonly clock: Clock
  readonly changed: (change: CircuitChange, reason: string) => void
}

/** Cockatiel's breaker, made to count within a window and to go by our clock. */
class BreakingCircuit implements Circuit {
  readonly name: string
  readonly kind: CircuitKind
  readonly #options: CircuitOptions
  readonly #figures: Figures
  readonly #policy: CircuitBreakerPolicy
  #failedAt: readonly number[] = []
  #openedAt = Number.NEGATIVE_INFINITY
  #told: CircuitState = 'CLOSED'
  #opens = 0

  constructor(options: CircuitOptions) {
    this.name = options.name
    this.kind = options.kind
    this.#options = options
    this.#figures = figures[options.kind]
    this.#policy = circuitBreaker(
      handleWhen((error) => this.#counts(error)),
      { breaker: this.#window(), halfOpenAfter: this.#recovery() },
    )
    this.#policy.onStateChange(() => this.#tell())
  }

  get opens(): number {
    return this.#opens
  }

  get state(): CircuitState {
    if (this.#policy.state === Inner.Closed) return 'CLOSED'
    return this.#policy.state === Inner.Open && this.#missingMillis() > 0 ? 'OPEN' : 'HALF_OPEN'
  }

  async execute<Result>(work: () => Promise<Result>): Promise<Result> {
    // Cockatiel would let the call wait for what becomes of the one that is under way.
    if (this.#policy.state === Inner.HalfOpen) throw this.#refusal()
    try {
      return await this.#policy.execute(work)
    } catch (error) {
      throw error instanceof BrokenCircuitError ? this.#refusal() : error
    }
  }

  #refusal(): CircuitOpen {
    return new CircuitOpen(this.name, Math.max(1, Math.ceil(this.#missingMillis() / 1_000)))
  }

  #now(): number {
    return this.#options.clock.now().getTime()
  }

  /** Of the recovery; none when the clock was put back, or that would be waited for as well. */
  #missingMillis(): number {
    const since = this.#now() - this.#openedAt
    return since < 0 ? 0 : this.#figures.recoveryMillis - since
  }

  /** An abort proves nothing: it neither opens a circuit nor closes a half-open one. */
  #counts(error: unknown): boolean {
    return isAbort(error) ? this.#policy.state === Inner.HalfOpen : this.#options.isFailure(error)
  }

  #window() {
    return {
      state: null,
      success: () => undefined,
      failure: () => {
        // Calls from before it opened may still fail, and are no news.
        if (this.#policy.state !== Inner.Closed) return false
        const now = this.#now()
        this.#failedAt = [...this.#failedAt.filter((at) => now - at < this.#figures.windowMillis), now]
        return this.#failedAt.length >= this.#figures.failures
      },
    }
  }

  /** Cockatiel asks for the length of the recovery at each call and compares it with the machine's clock: all or nothing. */
  #recovery() {
    const circuit = this
    return {
      next({ result }: { readonly result: object }) {
        const isProof = !('error' in result && isAbort(result.error))
        circuit.#openedAt = isProof ? circuit.#now() : Number.NEGATIVE_INFINITY
        circuit.#failedAt = []
        return this
      },
      get duration() {
        return circuit.#missingMillis() > 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
      },
    }
  }

  #tell(): void {
    const { name, kind, state } = this
    // After an abort one more call is let through: that is no change.
    if (state === this.#told) return
    this.#told = state
    if (state === 'OPEN') this.#opens++
    this.#options.changed({ name, kind, state, at: this.#options.clock.now() }, reasonOf(this.#policy.lastFailure))
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** The code or the class: what a service said has no place in a log. */
function reasonOf(failure: object | undefined): string {
  const error: unknown = failure !== undefined && 'error' in failure ? failure.error : undefined
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
