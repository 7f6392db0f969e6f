import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { AcknowledgedRef, UserErrorInterface } from '../../../graphql/errors.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { emailAddress } from '../../../lib/account-fields.ts'
import type { PasswordWeakness } from '../../../lib/password-rules.ts'
import { AccountLocked } from '../guessing/login-guard.service.ts'
import { tokenText } from '../tokens/auth-payload.graphql.ts'
import { InvalidCredentials } from '../users/login.service.ts'
import { ViewerType } from '../users/viewer.graphql.ts'
import { InvalidToken } from '../verification/mail-link.service.ts'
import { changePassword, requestPasswordReset, resetPassword } from './password.service.ts'
import { WeakPassword } from './password-rules.service.ts'

const reasonDescriptions: Record<PasswordWeakness['reason'], string> = {
  MISSING_CHARACTERS: 'It lacks kinds of characters; `missing` says which.',
  COMMON: 'It is one of those that are tried first, or such a one dressed up.',
  OWN_WORDS: 'It is made of the name or the address of the account.',
}

const WeakPasswordReasonRef = builder.enumType('WeakPasswordReason', {
  description: 'Which rule a password breaks.',
  values: describedValues(reasonDescriptions),
})

builder.objectType(WeakPassword, {
  name: 'WeakPassword',
  description: 'The password breaks the rules.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    reason: t.field({ type: WeakPasswordReasonRef, description: 'Which rule.', resolve: (error) => error.reason }),
    missing: t.stringList({
      description: 'What it lacks, in words: `["a digit"]`; empty where another rule is broken.',
      resolve: (error) => [...error.missing],
    }),
  }),
})

const MAX_PASSWORD_LENGTH = 1024

/** The rule of every new password. Characters, not UTF-16 units: four emoji are no password of eight. */
export const newPassword = z
  .string()
  .refine((text) => [...text].length >= 8, 'at least 8 characters')
  .refine((text) => [...text].length <= MAX_PASSWORD_LENGTH, 'at most 1,024 characters')

/** The rule of every password that is to be compared. */
export const anyPassword = z.string().max(2 * MAX_PASSWORD_LENGTH)

/** The description of every new password. */
export const newPasswordDescription =
  '8 to 1,024 characters, with an upper-case and a lower-case letter, a digit and a special character unless the server is set to length alone; no common password, and none made of your own name or address.'

const ChangePasswordInput = builder.inputType('ChangePasswordInput', {
  description: 'The password you have, and the one you want.',
  fields: (t) => ({
    currentPassword: t.string({ required: true, description: 'The password of now.' }),
    newPassword: t.string({ required: true, description: newPasswordDescription }),
  }),
})

// Mutation.changePassword
builder.mutationField('changePassword', (t) =>
  mutation(t, {
    type: ViewerType,
    input: ChangePasswordInput,
    schema: z.object({ currentPassword: anyPassword, newPassword }),
    errors: [InvalidCredentials, WeakPassword, AccountLocked],
    description:
      'Sets a new password. Your other devices are signed out at once; this one, your keys and your agents go on.',
    resolve: (input, ctx) => changePassword(ctx, input),
  }),
)

const RequestPasswordResetInput = builder.inputType('RequestPasswordResetInput', {
  description: 'Whose password was forgotten.',
  fields: (t) => ({
    email: t.field({ type: 'EmailAddress', required: true, description: 'The address of the account.' }),
  }),
})

// Mutation.requestPasswordReset
builder.mutationField('requestPasswordReset', (t) =>
  mutation(t, {
    type: AcknowledgedRef,
    input: RequestPasswordResetInput,
    isPublic: true,
    schema: z.object({ email: emailAddress }),
    description:
      'Mails a link that sets a new password, good for half an hour. The answer is the same whether or not there is such an account.',
    resolve: async (input, ctx) => {
      await requestPasswordReset(ctx, input.email)
      return { isAccepted: true } as const
    },
  }),
)

const ResetPasswordInput = builder.inputType('ResetPasswordInput', {
  description: 'A new password, by a mailed link.',
  fields: (t) => ({
    token: t.string({ required: true, description: 'What stands behind `#token=` in the link of the mail.' }),
    newPassword: t.string({ required: true, description: newPasswordDescription }),
  }),
})

// Mutation.resetPassword
builder.mutationField('resetPassword', (t) =>
  mutation(t, {
    type: AcknowledgedRef,
    input: ResetPasswordInput,
    isPublic: true,
    schema: z.object({ token: tokenText, newPassword }),
    errors: [InvalidToken, WeakPassword],
    description:
      'Sets a new password by a mailed link, which works once. All devices are signed out at once, keys and the tokens of agents end.',
    resolve: async (input, ctx) => {
      await resetPassword(ctx, input)
      return { isAccepted: true } as const
    },
  }),
)
