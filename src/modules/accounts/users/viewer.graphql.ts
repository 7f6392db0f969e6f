import { builder } from '../../../graphql/builder.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { permissionsOf, type Role } from '../../../platform/access.ts'
import type { ActingViewer, Context } from '../../../platform/context.ts'
import { Unauthenticated } from '../../../platform/errors.ts'
import { OrganizationType } from '../organizations/organization.graphql.ts'
import { ActorInterface } from './user.graphql.ts'
import { type ActorRow, authorOf, userRow } from './user.reads.ts'
import { profileOf } from './viewer.reads.ts'
import { viewerEventsCursor } from './viewer-cursor.reads.ts'

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
export const ViewerType = builder.objectRef<ActingViewer>('Viewer').implement({
  description: 'Who is asking, in which organization, and what they may do there.',
  authScopes: { authenticated: true },
  fields: (t) => ({
    actor: t.field({
      type: ActorInterface,
      description: 'You: a key is its person, an agent is itself.',
      resolve: (viewer, _args, ctx) => actorOf(ctx, viewer),
    }),
    organization: t.field({
      type: OrganizationType,
      description: 'The organization your access token is for.',
      resolve: async (viewer, _args, ctx) => ({
        ...(await profileOf(ctx, viewer)).organization,
        viewerRole: viewer.role,
        isArchived: false,
      }),
    }),
    preferences: t.field({
      type: 'JSON',
      description: 'What your front ends keep for you; an object, empty at first, and for keys and agents.',
      // No permission says that a program may know what its person keeps.
      resolve: async (viewer, _args, ctx) => (viewer.kind === 'user' ? (await profileOf(ctx, viewer)).preferences : {}),
    }),
    eventsCursor: t.field({
      type: 'Cursor',
      description: 'Where your own events stand now: `viewerEvents(after:)` goes on from here without a gap.',
      resolve: (viewer, _args, ctx) => viewerEventsCursor(ctx, viewer),
    }),
    role: t.field({
      type: OrganizationRoleRef,
      description: 'Your role in that organization; of a key or an agent that of whom it acts for.',
      resolve: (viewer) => viewer.role,
    }),
    permissions: t.field({
      type: ['Permission'],
      description:
        'All that you may do in that organization, by your role there and what a key or an agent was given; sorted. In a project it may be more or less: see `viewerCan`.',
      resolve: (viewer) => [...permissionsOf(viewer)],
    }),
    isPlatformAdmin: t.boolean({
      description: 'Whether you manage people on the whole platform; never so through a key or as an agent.',
      resolve: (viewer) => viewer.isPlatformAdmin && viewer.grants === null,
    }),
  }),
})

/** Whoever is signed in, as others see them. */
async function actorOf(ctx: Context, viewer: ActingViewer): Promise<ActorRow> {
  return viewer.kind === 'agent' ? authorOf(ctx, viewer.agentId) : userRow((await profileOf(ctx, viewer)).user)
}

builder.queryField('viewer', (t) =>
  t.field({
    type: ViewerType,
    nullable: true,
    description: 'You, or null when no credentials were sent; stale ones are an error.',
    resolve: (_root, _args, ctx) => viewerOrNull(ctx),
  }),
)

/** Who is signed in, or null. Nobody is taken for a stranger who sent credentials that no longer hold. */
function viewerOrNull({ viewer }: Context): ActingViewer | null {
  if (viewer.kind !== 'anonymous') return viewer
  if (viewer.reason !== null) throw new Unauthenticated(viewer.reason)
  return null
}
