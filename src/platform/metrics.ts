import { timingSafeEqual } from 'node:crypto'
import { Counter, Gauge, Registry } from 'prom-client'
import { sha256Hex } from '../lib/hash.ts'
import { type Circuits, circuitStates } from './circuit.ts'

/** What a node measures of itself, for Prometheus. */
export interface Metrics {
  readonly contentType: string
  /** As of now, in the text format. */
  text(): Promise<string>
}

/** Measures what is handed to it, whenever it is asked. */
export function createMetrics({ circuits }: { readonly circuits: Circuits }): Metrics {
  const registry = new Registry()
  const registers = [registry]
  new Gauge({
    name: 'ocean_circuit_state',
    help: 'Whether a service behind the node is called: 1 for the state that its circuit is in.',
    labelNames: ['circuit', 'state'],
    registers,
    collect() {
      this.reset()
      for (const { name, state } of circuits.list())
        for (const one of circuitStates) this.set({ circuit: name, state: one }, one === state ? 1 : 0)
    },
  })
  new Counter({
    name: 'ocean_circuit_opens_total',
    help: 'How often a circuit has opened since the start of the node.',
    labelNames: ['circuit'],
    registers,
    collect() {
      this.reset()
      for (const { name, opens } of circuits.list()) this.inc({ circuit: name }, opens)
    },
  })
  return { contentType: registry.contentType, text: () => registry.metrics() }
}

/** Whether a request shows the token; in a time that does not depend on how much of it is right. */
export function showsToken(authorization: string | undefined, token: string): boolean {
  const [shown, wanted] = [authorization ?? '', `Bearer ${token}`].map((text) => Buffer.from(sha256Hex(text)))
  return shown !== undefined && wanted !== undefined && timingSafeEqual(shown, wanted)
}
