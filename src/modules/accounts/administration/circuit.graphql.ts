import { builder } from '../../../graphql/builder.ts'
import { describedValues } from '../../../graphql/enums.ts'
import type { CircuitState } from '../../../platform/circuit.ts'

const stateDescriptions: Record<CircuitState, string> = {
  CLOSED: 'It is called as usual.',
  OPEN: 'It failed too often of late: nothing is asked of it for a while, and calls fail at once.',
  HALF_OPEN: 'The next call is let through, and decides.',
}

/** How a node sees a service behind it. */
export const CircuitStateRef = builder.enumType('CircuitState', {
  description: 'Whether a service behind this one is called, as the node that answers sees it.',
  values: describedValues(stateDescriptions),
})

/** A change that administrators of the platform are told of. */
export interface CircuitChanged {
  readonly type: 'CircuitChanged'
  readonly name: string
  readonly state: CircuitState
  readonly cursor: string
  readonly at: Date
}

/** The member of `ViewerEvent` for it. */
export const CircuitChangedRef = builder.objectRef<CircuitChanged>('CircuitChanged').implement({
  description:
    'A node calls a service behind it no longer, on trial or again: told to administrators of the platform. Each node goes by its own calls, so the others may differ. Of a circuit that flaps, what it settles on is told.',
  fields: (t) => ({
    cursor: t.expose('cursor', {
      type: 'Cursor',
      description: 'The place of this event; go on from it with `after`.',
    }),
    name: t.exposeString('name', {
      description: 'Which service: `database`, or `model/` and the name of a provider of models.',
    }),
    state: t.field({ type: CircuitStateRef, description: 'What it went over into.', resolve: ({ state }) => state }),
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
  }),
})
