import { change } from './layers.ts'
import type { Mutant } from './mutation.ts'

// What keeps a service that is away from being asked again and again, and from being given up for nothing.

const circuit = 'src/platform/circuit.ts'
const itself = (named: string) => ({ killers: { files: ['test/platform/circuit.once.test.ts'], named } })

/** Of the circuit itself. */
export const circuitMutants: readonly Mutant[] = [
  {
    name: 'failures count however long ago they were',
    edits: [change(circuit, 'this.#failedAt.filter((at) => now - at < this.#figures.windowMillis)', 'this.#failedAt')],
    ...itself('circuit opens at'),
  },
  {
    name: 'an open circuit goes by the clock of the machine',
    edits: [change(circuit, 'return this.#options.clock.now().getTime()', 'return Date.now()')],
    ...itself('circuit opens at'),
  },
  {
    name: 'whoever comes to a half-open circuit waits for the one before',
    edits: [change(circuit, 'if (this.#policy.state === Inner.HalfOpen) throw this.#refusal()', '')],
    ...itself('exactly one call through'),
  },
  {
    name: 'who leaves closes a half-open circuit',
    edits: [change(circuit, 'isAbort(error) ? this.#policy.state === Inner.HalfOpen : ', 'isAbort(error) ? false : ')],
    ...itself('an abort neither opens'),
  },
  {
    name: 'who leaves opens a half-open circuit',
    edits: [change(circuit, "const isProof = !('error' in result && isAbort(result.error))", 'const isProof = true')],
    ...itself('an abort neither opens'),
  },
  {
    name: 'a failure from before a circuit opened opens it again',
    edits: [change(circuit, 'if (this.#policy.state !== Inner.Closed) return false', '')],
    ...itself('asked before a circuit opened'),
  },
]
