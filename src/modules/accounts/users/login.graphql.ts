import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { errorType, UserErrorInterface } from '../../../graphql/errors.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { AccountLocked } from '../guessing/login-guard.service.ts'
import { anyPassword } from '../passwords/password.graphql.ts'
import { AuthPayloadType, deviceFieldDescriptions, deviceFields, TokenModeRef } from '../tokens/auth-payload.graphql.ts'
import { AccountSuspended, EmailUnverified, InvalidCredentials, login } from './login.service.ts'

errorType(InvalidCredentials, 'No account matches, or the password is wrong; which of the two is not told.')
errorType(EmailUnverified, 'The password is right, but the address of the account has to be proven first.')
errorType(AccountSuspended, 'The password is right, but an administrator of the platform suspended the account.')

builder.objectType(AccountLocked, {
  name: 'AccountLocked',
  description:
    'This name was tried too often in vain, whether or not there is such an account. Known devices still get in.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', { description: 'After which it can be tried again.' }),
  }),
})

const LoginInput = builder.inputType('LoginInput', {
  description: 'Credentials of an account.',
  fields: (t) => ({
    identifier: t.string({ required: true, description: 'E-mail address or username, ignoring case.' }),
    password: t.string({ required: true, description: 'The password.' }),
    deviceName: t.string({ description: deviceFieldDescriptions.deviceName }),
    deviceToken: t.string({ description: deviceFieldDescriptions.deviceToken }),
    mode: t.field({ type: TokenModeRef, description: deviceFieldDescriptions.mode }),
  }),
})

// Mutation.login
builder.mutationField('login', (t) =>
  mutation(t, {
    type: AuthPayloadType,
    input: LoginInput,
    isPublic: true,
    schema: z.object({ identifier: z.string().max(254), password: anyPassword, ...deviceFields }),
    errors: [InvalidCredentials, AccountLocked, AccountSuspended, EmailUnverified],
    description: 'Signs in on this device. Of too many devices at once the one refreshed longest ago is signed out.',
    resolve: (input, ctx) => login(ctx, input),
  }),
)
