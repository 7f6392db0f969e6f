import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { AcknowledgedRef, errorType } from '../../../graphql/errors.ts'
import { optional } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { displayName, emailAddress, username } from '../../../lib/account-fields.ts'
import { anyPassword, newPassword, newPasswordDescription } from '../passwords/password.graphql.ts'
import { WeakPassword } from '../passwords/password-rules.service.ts'
import {
  AuthPayloadType,
  deviceFieldDescriptions,
  deviceFields,
  TokenModeRef,
  tokenText,
} from '../tokens/auth-payload.graphql.ts'
import { displayNameDescription, usernameDescription } from '../users/account.graphql.ts'
import { InvalidCredentials } from '../users/login.service.ts'
import { EmailTaken, UsernameTaken } from '../users/user.service.ts'
import { InvalidToken } from './mail-link.service.ts'
import {
  RegistrationPending,
  register,
  resendVerification,
  type VerifiedEmail,
  verifyEmail,
} from './registration.service.ts'

errorType(EmailTaken, 'Another account has this e-mail address. Never told where addresses have to be proven first.')
errorType(InvalidToken, 'The link was used before, has expired or is not complete.')

builder.objectType(RegistrationPending, {
  name: 'RegistrationPending',
  description:
    'The account will exist once the link in the mail was opened. The same answer whether or not there is one.',
  fields: (t) => ({
    email: t.expose('email', { type: 'EmailAddress', description: 'Where the mail goes.' }),
    expiresIn: t.exposeInt('expiresInSeconds', { description: 'Seconds for which its link will work.' }),
  }),
})

const RegisterInput = builder.inputType('RegisterInput', {
  description: 'A new account.',
  fields: (t) => ({
    email: t.field({ type: 'EmailAddress', required: true, description: 'The address to sign in with.' }),
    password: t.string({ required: true, description: newPasswordDescription }),
    displayName: t.string({ required: true, description: displayNameDescription }),
    username: t.string({ description: usernameDescription }),
    deviceName: t.string({ description: deviceFieldDescriptions.deviceName }),
    deviceToken: t.string({ description: deviceFieldDescriptions.deviceToken }),
    mode: t.field({ type: TokenModeRef, description: deviceFieldDescriptions.mode }),
  }),
})

// Mutation.register
builder.mutationField('register', (t) =>
  mutation(t, {
    type: AuthPayloadType,
    input: RegisterInput,
    isPublic: true,
    schema: z.object({
      email: emailAddress,
      password: newPassword,
      displayName,
      username: optional(username),
      ...deviceFields,
    }),
    errors: [RegistrationPending, WeakPassword, EmailTaken, UsernameTaken],
    description:
      'Makes an account with a personal organization and signs it in on this device; or, where addresses have to be proven first, mails a link that makes it.',
    resolve: (input, ctx) => register(ctx, input),
  }),
)

const VerifiedEmailRef = builder.objectRef<VerifiedEmail>('VerifiedEmail').implement({
  description: 'An address that was proven; sign in with it.',
  fields: (t) => ({
    email: t.expose('email', { type: 'EmailAddress', description: 'The address.' }),
  }),
})

const VerifyEmailInput = builder.inputType('VerifyEmailInput', {
  description: 'Proof of an address.',
  fields: (t) => ({
    token: t.string({ required: true, description: 'What stands behind `#token=` in the link of the mail.' }),
    password: t.string({
      description:
        'The password that was registered with, where the link makes the account: it shows that whoever opens it is who registered.',
    }),
  }),
})

// Mutation.verifyEmail
builder.mutationField('verifyEmail', (t) =>
  mutation(t, {
    type: VerifiedEmailRef,
    input: VerifyEmailInput,
    isPublic: true,
    schema: z.object({ token: tokenText, password: optional(anyPassword) }),
    errors: [InvalidToken, InvalidCredentials],
    description:
      'Proves an address by a mailed link, which works once. A registration that waited for it becomes an account, without its username if that was taken meanwhile. Signs nobody in.',
    resolve: (input, ctx) => verifyEmail(ctx, input.token, input.password),
  }),
)

const ResendVerificationInput = builder.inputType('ResendVerificationInput', {
  description: 'Which address waits for its link.',
  fields: (t) => ({
    email: t.field({ type: 'EmailAddress', required: true, description: 'The address to mail.' }),
  }),
})

// Mutation.resendVerification
builder.mutationField('resendVerification', (t) =>
  mutation(t, {
    type: AcknowledgedRef,
    input: ResendVerificationInput,
    isPublic: true,
    schema: z.object({ email: emailAddress }),
    description:
      'Mails the link that proves an address again, if it waits for one. The answer is the same whether or not it does.',
    resolve: async (input, ctx) => {
      await resendVerification(ctx, input.email)
      return { isAccepted: true } as const
    },
  }),
)
