import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { idKey, keysetConnection } from '../../../graphql/connection.ts'
import { UserErrorInterface } from '../../../graphql/errors.ts'
import { idempotencyKey, idempotencyKeyDescription } from '../../../graphql/idempotency.ts'
import { encodeGlobalId, idOf } from '../../../graphql/ids.ts'
import { optional, unlessLeftOut } from '../../../graphql/input.ts'
import { mutation, parseInput } from '../../../graphql/mutation.ts'
import { displayName, emailAddress, username } from '../../../lib/account-fields.ts'
import { singleLine } from '../../../lib/single-line.ts'
import { IdempotencyKeyReused } from '../../../platform/idempotency.ts'
import { displayNameDescription, usernameDescription } from '../users/account.graphql.ts'
import { OwnsOrganizations } from '../users/account.service.ts'
import { UserType } from '../users/user.graphql.ts'
import { EmailTaken, UsernameTaken } from '../users/user.service.ts'
import { countUsers, listUsers } from './administration.reads.ts'
import { createUser, deleteUser, updateUser } from './administration.service.ts'
import { LastPlatformAdmin, OwnAdministration } from './platform-admin.service.ts'
import { reinstateUser, suspendUser } from './suspension.service.ts'

builder.objectType(LastPlatformAdmin, {
  name: 'LastPlatformAdmin',
  description: 'The platform has no other administrator who could get in.',
  interfaces: [UserErrorInterface],
})
builder.objectType(OwnAdministration, {
  name: 'OwnAdministration',
  description: 'Administrators of the platform do not suspend, delete or demote themselves; another one has to.',
  interfaces: [UserErrorInterface],
})

const UserFilter = builder.inputType('UserFilter', {
  description: 'Narrows a list of people.',
  fields: (t) => ({
    text: t.string({
      description: 'Only people whose name, username or address begins with this text, ignoring case.',
    }),
    isSuspended: t.boolean({ description: 'Only suspended ones, or only others; both when left out.' }),
    isPlatformAdmin: t.boolean({
      description: 'Only administrators of the platform, or only others; both when left out.',
    }),
  }),
})
const userFilter = z.object({
  text: optional(z.string().max(254)),
  isSuspended: optional(z.boolean()),
  isPlatformAdmin: optional(z.boolean()),
})

// Query.users
builder.queryField('users', (t) =>
  t.connection(
    {
      type: UserType,
      description: 'Everybody with an account, newest first: for administrators of the platform.',
      authScopes: { action: 'user.list' },
      args: { filter: t.arg({ type: UserFilter, description: 'Which of them; all when left out.' }) },
      resolve: (_root, args, ctx) => {
        const filter = parseInput(userFilter, args.filter ?? {})
        return keysetConnection({
          args,
          keySchema: idKey,
          rows: (window) => listUsers(ctx, filter, window),
          keyOf: (user) => [user.id],
          count: () => countUsers(ctx, filter),
        })
      },
    },
    { name: 'UserConnection', description: 'A page of a list of people.' },
    { name: 'UserEdge', description: 'A person and their place in the list.' },
  ),
)

const isPlatformAdminDescription = 'Whether they manage people on the whole platform, as you do.'
const forAdministrators = 'For administrators of the platform.'

const CreateUserInput = builder.inputType('CreateUserInput', {
  description: 'An account for somebody else.',
  fields: (t) => ({
    email: t.field({ type: 'EmailAddress', required: true, description: 'Their address; the link goes there.' }),
    displayName: t.string({ required: true, description: displayNameDescription }),
    username: t.string({ description: usernameDescription }),
    isPlatformAdmin: t.boolean({ description: `${isPlatformAdminDescription} They do not when left out.` }),
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

// Mutation.createUser
builder.mutationField('createUser', (t) =>
  mutation(t, {
    type: UserType,
    input: CreateUserInput,
    schema: z.object({
      email: emailAddress,
      displayName,
      username: optional(username),
      isPlatformAdmin: z
        .boolean()
        .nullish()
        .transform((isAdmin) => isAdmin ?? false),
      idempotencyKey,
    }),
    errors: [EmailTaken, UsernameTaken, IdempotencyKeyReused],
    description: `Makes an account with a personal organization, and mails a link that sets its password and proves the address, good for a day. ${forAdministrators}`,
    resolve: (input, ctx) => createUser(ctx, input),
  }),
)

const UpdateUserInput = builder.inputType('UpdateUserInput', {
  description: 'What to change of somebody’s account; what is left out stays as it is.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Whose account.' }),
    displayName: t.string({ description: displayNameDescription }),
    username: t.string({ description: `${usernameDescription} Null gives it up.` }),
    isPlatformAdmin: t.boolean({ description: isPlatformAdminDescription }),
  }),
})

// Mutation.updateUser
builder.mutationField('updateUser', (t) =>
  mutation(t, {
    type: UserType,
    input: UpdateUserInput,
    schema: z.object({
      id: idOf('User'),
      displayName: unlessLeftOut(displayName),
      username: username.nullish(),
      isPlatformAdmin: unlessLeftOut(z.boolean()),
    }),
    errors: [UsernameTaken, OwnAdministration],
    description: `Changes somebody’s account, or yours, but nobody’s address: with it you could take the account over. You cannot give up the office yourself. ${forAdministrators}`,
    resolve: (input, ctx) => updateUser(ctx, input),
  }),
)

const SuspendUserInput = builder.inputType('SuspendUserInput', {
  description: 'Whom to suspend.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Whose account.' }),
    reason: t.string({ description: 'What they are told by mail, on one line: at most 500 characters.' }),
  }),
})

// Mutation.suspendUser
builder.mutationField('suspendUser', (t) =>
  mutation(t, {
    type: UserType,
    input: SuspendUserInput,
    schema: z.object({ id: idOf('User'), reason: optional(singleLine({ min: 1, max: 500 })) }),
    errors: [OwnAdministration],
    description: `Lets nobody in with this account any more, by whatever credential; what is open ends within two seconds. ${forAdministrators}`,
    resolve: (input, ctx) => suspendUser(ctx, input.id, input.reason),
  }),
)

const ReinstateUserInput = builder.inputType('ReinstateUserInput', {
  description: 'Whom to let in again.',
  fields: (t) => ({ id: t.id({ required: true, description: 'Whose account.' }) }),
})

// Mutation.reinstateUser
builder.mutationField('reinstateUser', (t) =>
  mutation(t, {
    type: UserType,
    input: ReinstateUserInput,
    schema: z.object({ id: idOf('User') }),
    description: `Ends a suspension: the devices that were signed in before go on. ${forAdministrators}`,
    resolve: (input, ctx) => reinstateUser(ctx, input.id),
  }),
)

const DeletedUserRef = builder.objectRef<{ readonly userId: string }>('DeletedUser').implement({
  description: 'An account that is no more.',
  fields: (t) => ({
    deletedId: t.id({
      description: 'Whose it was; nothing is found by it any more.',
      resolve: ({ userId }) => encodeGlobalId('User', userId),
    }),
  }),
})

const DeleteUserInput = builder.inputType('DeleteUserInput', {
  description: 'Whose account to delete.',
  fields: (t) => ({ id: t.id({ required: true, description: 'Whose account.' }) }),
})

// Mutation.deleteUser
builder.mutationField('deleteUser', (t) =>
  mutation(t, {
    type: DeletedUserRef,
    input: DeleteUserInput,
    schema: z.object({ id: idOf('User') }),
    errors: [OwnsOrganizations, OwnAdministration],
    description: `Deletes somebody’s account for good, as \`deleteAccount\` does one’s own. ${forAdministrators}`,
    resolve: async ({ id }, ctx) => {
      await deleteUser(ctx, id)
      return { userId: id }
    },
  }),
)
