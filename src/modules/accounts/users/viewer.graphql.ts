import { builder } from '../../../graphql/builder.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { permissionsOf, type Role } from '../../../platform/access.ts'
import type { Context, UserViewer } from '../../../platform/context.ts'
import { NotFound, Unauthenticated } from '../../../platform/errors.ts'
import { load } from '../../../platform/loaders.ts'
import { OrganizationType } from '../organizations/organization.graphql.ts'
import { organizationById } from '../organizations/organization.reads.ts'
import { ActorInterface } from './user.graphql.ts'
import { memberById } from './user.reads.ts'

const roleDescriptions: Record<Role, string> = {
  OWNER: 'Everything, including the end of the organization.',
  ADMIN: 'Everything but what concerns owners.',
  EDITOR: 'Reads and writes.',
  VIEWER: 'Reads.',
  GUEST: 'Only what they were added to.',
}

/** The five roles. */
export const OrganizationRoleRef = builder.enumType('OrganizationRole', {
  description: 'What someone may do in an organization; each role includes those after it.',
  values: describedValues(roleDescriptions),
})

builder.scalarType('Permission', {
  description: 'The name of something one may do: `page.create`. `schema/permissions.md` lists them by role.',
  serialize: (value) => value,
})

/** Who is asking. */
export const ViewerType = builder.objectRef<UserViewer>('Viewer').implement({
  description: 'Who is asking, in which organization, and what they may do there.',
  authScopes: { authenticated: true },
  fields: (t) => ({
    actor: t.field({
      type: ActorInterface,
      description: 'You.',
      resolve: async (viewer, _args, ctx) => found('user', await load(ctx, memberById, viewer.userId)),
    }),
    organization: t.field({
      type: OrganizationType,
      description: 'The organization your access token is for.',
      resolve: async (viewer, _args, ctx) =>
        found('organization', await load(ctx, organizationById, viewer.organizationId)),
    }),
    role: t.field({
      type: OrganizationRoleRef,
      description: 'Your role in that organization.',
      resolve: (viewer) => viewer.role,
    }),
    permissions: t.field({
      type: ['Permission'],
      description: 'All that your role includes, sorted.',
      resolve: (viewer) => [...permissionsOf(viewer.role)],
    }),
  }),
})

builder.queryField('viewer', (t) =>
  t.field({
    type: ViewerType,
    nullable: true,
    description: 'You, or null when no credentials were sent; stale ones are an error.',
    resolve: (_root, _args, ctx) => viewerOrNull(ctx),
  }),
)

/** Who is signed in, or null. Nobody is taken for a stranger who sent credentials that no longer hold. */
function viewerOrNull({ viewer }: Context): UserViewer | null {
  if (viewer.kind === 'user') return viewer
  if (viewer.reason !== null) throw new Unauthenticated(viewer.reason)
  return null
}

function found<Row>(noun: string, row: Row | null): Row {
  if (row === null) throw new NotFound(noun)
  return row
}
