import { builder } from '../../../graphql/builder.ts'
import type { Context } from '../../../platform/context.ts'
import { findUser, type UserRow } from './user.reads.ts'

/** Whoever can be the author of something. */
export const ActorInterface = builder.interfaceRef<UserRow>('Actor').implement({
  description: 'Whoever acts in a workspace.',
  interfaces: [builder.nodeInterfaceRef()],
  resolveType: () => 'User',
  fields: (t) => ({
    displayName: t.exposeString('displayName', { description: 'The name to show.' }),
    avatarUrl: t.expose('avatarUrl', { type: 'URL', nullable: true, description: 'A picture, if there is one.' }),
  }),
})

/** A person. */
export const UserType = builder.node(builder.objectRef<UserRow>('User'), {
  description: 'A person with an account.',
  interfaces: [ActorInterface],
  authScopes: { authenticated: true },
  id: { description: 'Opaque, typed and sortable: `user_01jd…`.', resolve: (user) => user.id },
  loadOne: (id, ctx) => findUser(ctx, id),
  fields: (t) => ({
    username: t.exposeString('username', {
      nullable: true,
      description: 'Unique, ignoring case; not everyone has one.',
    }),
    email: t.field({
      type: 'EmailAddress',
      nullable: true,
      description: 'Yours alone to see; null on everyone else.',
      resolve: (user, _args, ctx) => (isViewer(ctx, user) ? user.email : null),
    }),
    emailVerifiedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the address was proven to be yours; null on everyone else.',
      resolve: (user, _args, ctx) => (isViewer(ctx, user) ? user.emailVerifiedAt : null),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the account was made.' }),
  }),
})

function isViewer({ viewer }: Context, user: UserRow): boolean {
  return viewer.kind === 'user' && viewer.userId === user.id
}
