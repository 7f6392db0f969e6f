import { builder } from '../../../graphql/builder.ts'
import type { Provider } from '../../../platform/providers.ts'
import { CircuitStateRef } from '../../accounts/administration/circuit.graphql.ts'

/** Who runs models. */
export const ProviderType = builder.objectRef<Provider>('Provider').implement({
  description: 'Who runs models: a company, a machine of your own, or this server itself.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'What the ids of its models begin with: `anthropic`.' }),
    name: t.exposeString('name', { description: 'For people.' }),
    isConfigured: t.exposeBoolean('isConfigured', {
      description: 'Whether this server has the key or the address it needs: only then do its models answer.',
    }),
    circuit: t.field({
      type: CircuitStateRef,
      description: 'Whether calls to it go through just now, as the node that answers you sees it.',
      resolve: ({ circuit }) => circuit,
    }),
  }),
})

// Query.providers
builder.queryField('providers', (t) =>
  t.field({
    type: [ProviderType],
    description: 'Every provider that this server knows; `isConfigured` tells which of them can answer.',
    authScopes: { authenticated: true },
    resolve: (_root, _args, { platform }) => [...platform.providers.list()],
  }),
)
