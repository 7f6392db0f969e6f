import SchemaBuilder from '@pothos/core'
import ErrorsPlugin from '@pothos/plugin-errors'
import RelayPlugin from '@pothos/plugin-relay'
import ScopeAuthPlugin, { type AuthFailure, AuthScopeFailureType } from '@pothos/plugin-scope-auth'
import { type GraphQLSchema, isObjectType } from 'graphql'
import { type Action, isAllowed } from '../platform/access.ts'
import type { Context } from '../platform/context.ts'
import { BadRequest, Fault, Forbidden, Unauthenticated } from '../platform/errors.ts'
import { decodeGlobalId, encodeGlobalId } from './ids.ts'

/** What every type of the schema agrees on. A scalar that belongs to a noun is defined beside it. */
export interface SchemaTypes {
  Context: Context
  Scalars: {
    ID: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date }
    Cursor: { Input: string; Output: string }
    URL: { Input: string; Output: string }
    EmailAddress: { Input: string; Output: string }
    Permission: { Input: string; Output: string }
    JSON: { Input: unknown; Output: unknown }
    BigInt: { Input: bigint; Output: bigint }
    Base64: { Input: string; Output: string }
    BlockContent: { Input: unknown; Output: unknown }
  }
  AuthScopes: {
    /** Somebody is signed in. */
    authenticated: boolean
    /** The viewer may do this in the active organization, by role and by grant. */
    action: Action
  }
  DefaultFieldNullability: false
  Connection: { count: () => Promise<number> }
}

const MAX_NODES = 100

/** The one schema builder of the program; every `*.graphql.ts` adds to it. */
export const builder = new SchemaBuilder<SchemaTypes>({
  plugins: [ErrorsPlugin, ScopeAuthPlugin, RelayPlugin],
  defaultFieldNullability: false,
  errors: {
    directResult: true,
    defaultUnionOptions: {
      name: ({ fieldName }) => `${fieldName.charAt(0).toUpperCase()}${fieldName.slice(1)}Result`,
    },
  },
  scopeAuth: {
    authorizeOnSubscribe: true,
    unauthorizedError: (_parent, ctx, _info, { failure }) => refusal(ctx, failure),
    authScopes: (ctx) => ({
      authenticated: ctx.viewer.kind !== 'anonymous',
      action: (action) => ctx.viewer.kind !== 'anonymous' && isAllowed(ctx.viewer, action),
    }),
  },
  relay: {
    cursorType: 'String',
    encodeGlobalID: (typename, id) => encodeGlobalId(typename, String(id)),
    decodeGlobalID: decodeGlobalId,
    nodeTypeOptions: { description: 'Anything with an id of its own; `node(id:)` finds it again.' },
    nodeQueryOptions: {
      description: 'The object behind an id, or null when it does not exist or is not yours to see.',
      args: { id: { description: 'The id of any object.' } },
      authScopes: { authenticated: true },
      resolve: (_root, { id }, _ctx, info, resolveNode) => (isNode(info.schema, id.typename) ? resolveNode(id) : null),
    },
    nodesQueryOptions: {
      description: 'The objects behind up to 100 ids, in their order; null stands for each that is not to be seen.',
      args: { ids: { description: 'At most 100 ids of any objects.' } },
      authScopes: { authenticated: true },
      resolve: (_root, { ids }, _ctx, info, resolveNodes) => {
        if (ids.length > MAX_NODES) throw new BadRequest(`At most ${MAX_NODES} ids at once.`)
        // In place, since Pothos resolves the argument itself and not what it is given here; null loads as null.
        const places: (object | null)[] = ids
        for (const [place, id] of ids.entries()) if (!isNode(info.schema, id.typename)) places[place] = null
        return resolveNodes(ids)
      },
    },
    pageInfoTypeOptions: { description: 'Where a page of a list begins and ends, and whether there is more.' },
    hasNextPageFieldOptions: { description: 'Whether more follow after `endCursor`.' },
    hasPreviousPageFieldOptions: { description: 'Whether more stand before `startCursor`.' },
    startCursorFieldOptions: { description: 'Pass as `before` for the page before this one.' },
    endCursorFieldOptions: { description: 'Pass as `after` for the page after this one.' },
    cursorFieldOptions: { description: 'The place of this item in the list.' },
    nodeFieldOptions: { description: 'The item itself.' },
    edgesFieldOptions: { description: 'The items of this page with their cursors.' },
    firstArgOptions: { description: 'How many from the start: 1 to 100, by default 20.' },
    lastArgOptions: { description: 'How many from the end: 1 to 100.' },
    afterArgOptions: { description: 'Only what follows this cursor.' },
    beforeArgOptions: { description: 'Only what stands before this cursor.' },
    nodesOnConnection: { description: 'The items of this page, for when their cursors are not needed.' },
    pageInfoFieldOptions: { description: 'Where this page begins and ends.' },
    idFieldOptions: { description: 'Opaque, typed and sortable: `page_01jd…`.' },
  },
})

function refusal(ctx: Context, failure: AuthFailure): Error {
  if (ctx.viewer.kind === 'anonymous') return new Unauthenticated(ctx.viewer.reason ?? undefined)
  const action = failedAction(failure)
  return action === undefined ? new Fault('FORBIDDEN', 'Your role does not include this.') : new Forbidden(action)
}

function failedAction(failure: AuthFailure): string | undefined {
  switch (failure.kind) {
    case AuthScopeFailureType.AuthScope:
      return failure.scope === 'action' ? String(failure.parameter) : undefined
    case AuthScopeFailureType.AnyAuthScopes:
    case AuthScopeFailureType.AllAuthScopes:
      return failure.failures.map(failedAction).find((action) => action !== undefined)
    default:
      return undefined
  }
}

/** An id names a type in its prefix; only types with ids of their own can be looked up by it. */
function isNode(schema: GraphQLSchema, typename: string): boolean {
  const type = schema.getType(typename)
  return isObjectType(type) && type.getInterfaces().some((implemented) => implemented.name === 'Node')
}
