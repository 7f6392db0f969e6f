import { change } from './layers.ts'
import type { Mutant } from './mutation.ts'

// What keeps a service that is away from being asked again and again, and from being given up for nothing.

const circuit = 'src/platform/circuit.ts'
const itself = (named: string) => ({ killers: { files: ['test/platform/circuit.once.test.ts'], named } })

const announcement = 'src/modules/accounts/administration/circuit-announcement.service.ts'
const announced = (named: string) => ({
  killers: { files: ['test/modules/accounts/administration/circuit-announcement.test.ts'], named },
})

const announcing: readonly Mutant[] = [
  {
    name: 'everybody is told of circuits',
    edits: [
      change(announcement, 'is_platform_admin and suspended_at is null and deleted_at is null', 'deleted_at is null'),
    ],
    ...announced('and nobody else'),
  },
  {
    name: 'a circuit that flaps is told of each time',
    edits: [change(announcement, 'if (missingMillis > 0) return wait(name, missingMillis)', '')],
    ...announced('that flaps little is told'),
  },
  {
    name: 'what a circuit that flapped came to is not told',
    edits: [
      change(announcement, 'if (missingMillis > 0) return wait(name, missingMillis)', 'if (missingMillis > 0) return'),
    ],
    ...announced('that flaps little is told'),
    // What is waited for does not come.
    proof: 'Timed out',
  },
]

const itselfBroken: readonly Mutant[] = [
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

/** Of the circuit itself, and of telling of it. */
export const circuitMutants: readonly Mutant[] = [...itselfBroken, ...announcing]
