import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { AcknowledgedRef, errorType, UserErrorInterface } from '../../../graphql/errors.ts'
import { encodeGlobalId } from '../../../graphql/ids.ts'
import { keptObject, unlessLeftOut } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { displayName, username } from '../../../lib/account-fields.ts'
import { LastPlatformAdmin } from '../administration/platform-admin.service.ts'
import { AccountLocked } from '../guessing/login-guard.service.ts'
import { deleteAccount, type OwnedOrganization, OwnsOrganizations, updateProfile } from './account.service.ts'
import { InvalidCredentials } from './login.service.ts'
import { UsernameTaken } from './user.service.ts'
import { ViewerType } from './viewer.graphql.ts'

errorType(UsernameTaken, 'Another account has this username, ignoring case.')

const OwnedOrganizationRef = builder.objectRef<OwnedOrganization>('OwnedOrganization').implement({
  description: 'An organization by its name, for whoever may not be in it.',
  fields: (t) => ({
    id: t.id({ description: 'Its id.', resolve: ({ id }) => encodeGlobalId('Organization', id) }),
    name: t.exposeString('name', { description: 'Its name.' }),
  }),
})

builder.objectType(OwnsOrganizations, {
  name: 'OwnsOrganizations',
  description: 'Others are members of organizations that have no other owner: give them one, or delete them, first.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    organizations: t.field({
      type: [OwnedOrganizationRef],
      description: 'These.',
      resolve: (error) => [...error.organizations],
    }),
  }),
})

/** The description of every name of a person. */
export const displayNameDescription = 'The name to show: 2 to 80 characters.'
/** The description of every username. */
export const usernameDescription = '3 to 32 letters, digits, `_`, `.` or `-`; unique, ignoring case.'

const UpdateProfileInput = builder.inputType('UpdateProfileInput', {
  description: 'What to change of your profile; what is left out stays as it is.',
  fields: (t) => ({
    displayName: t.string({ description: displayNameDescription }),
    username: t.string({ description: `${usernameDescription} Null gives it up.` }),
    avatarUrl: t.field({ type: 'URL', description: 'A picture of you; null takes it away.' }),
    preferences: t.field({
      type: 'JSON',
      description: 'Whatever your front ends keep for you, replaced as a whole: an object of at most 16 KiB.',
    }),
  }),
})

// Mutation.updateProfile
builder.mutationField('updateProfile', (t) =>
  mutation(t, {
    type: ViewerType,
    input: UpdateProfileInput,
    schema: z.object({
      displayName: unlessLeftOut(displayName),
      username: username.nullish(),
      avatarUrl: z.string().nullish(),
      preferences: unlessLeftOut(keptObject),
    }),
    errors: [UsernameTaken],
    description: 'Changes your profile and preferences. Others see the new name at once.',
    resolve: (input, ctx) => updateProfile(ctx, input),
  }),
)

const DeleteAccountInput = builder.inputType('DeleteAccountInput', {
  description: 'Consent to the end of your account.',
  fields: (t) => ({
    password: t.string({ required: true, description: 'Your password.' }),
  }),
})

// Mutation.deleteAccount
builder.mutationField('deleteAccount', (t) =>
  mutation(t, {
    type: AcknowledgedRef,
    input: DeleteAccountInput,
    schema: z.object({ password: z.string().max(2_048) }),
    errors: [InvalidCredentials, AccountLocked, OwnsOrganizations, LastPlatformAdmin],
    description:
      'Deletes your account for good: all devices are signed out, keys and agents end, memberships end, organizations with no other member are given up. What you wrote for others stays, without your name.',
    resolve: async (input, ctx) => {
      await deleteAccount(ctx, input.password)
      return { isAccepted: true } as const
    },
  }),
)
