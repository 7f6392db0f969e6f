import { builder } from '../../../graphql/builder.ts'
import { type ActorRow, findAccount, seesAccount, seesEmail, type UserRow } from './user.reads.ts'

/** Whoever can be the author of something. */
export const ActorInterface = builder.interfaceRef<ActorRow>('Actor').implement({
  description: 'Whoever acts in a workspace.',
  interfaces: [builder.nodeInterfaceRef()],
  resolveType: (actor) => actor.actorType,
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
  loadOne: (id, ctx) => findAccount(ctx, id),
  fields: (t) => ({
    username: t.exposeString('username', {
      nullable: true,
      description: 'Unique, ignoring case; not everyone has one.',
    }),
    email: t.field({
      type: 'EmailAddress',
      nullable: true,
      description:
        'Yours; that of a member of the active organization to its administrators, of anybody to those of the platform; else null.',
      resolve: (user, _args, ctx) => (seesEmail(ctx, user) ? user.email : null),
    }),
    emailVerifiedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the address was proven; on others than you null, but to administrators of the platform.',
      resolve: (user, _args, ctx) => (seesAccount(ctx, user.id) ? user.emailVerifiedAt : null),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the account was made.' }),
    suspendedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'Since when nobody gets in with the account; on others than you null, but to administrators of the platform.',
      resolve: (user, _args, ctx) => (seesAccount(ctx, user.id) ? user.suspendedAt : null),
    }),
    isPlatformAdmin: t.boolean({
      nullable: true,
      description: 'Whether they manage people on the whole platform; on others than you null, but to those who do.',
      resolve: (user, _args, ctx) => (seesAccount(ctx, user.id) ? user.isPlatformAdmin : null),
    }),
  }),
})
