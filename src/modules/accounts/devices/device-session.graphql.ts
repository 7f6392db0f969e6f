import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { errorType, UserErrorInterface } from '../../../graphql/errors.ts'
import { encodeGlobalId } from '../../../graphql/ids.ts'
import { optional, singleLine } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { MAX_TOKEN_LENGTH } from '../../../platform/crypto/sealed-box.ts'
import { requireUser } from '../../../platform/gate.ts'
import { EmailTaken, InvalidCredentials, login, register, UsernameTaken, WeakPassword } from '../users/user.service.ts'
import { ViewerType } from '../users/viewer.graphql.ts'
import {
  type EndedSession,
  InvalidRefreshToken,
  type IssuedTokens,
  logout,
  refreshSession,
} from './device-session.service.ts'

errorType(EmailTaken, 'Another account has this e-mail address.')
errorType(UsernameTaken, 'Another account has this username, ignoring case.')
errorType(InvalidCredentials, 'No account matches, or the password is wrong; which of the two is not told.')
errorType(InvalidRefreshToken, 'The refresh token is spent, expired or of an ended session. Sign in again.')

builder.objectType(WeakPassword, {
  name: 'WeakPassword',
  description: 'The password breaks the rules.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    missing: t.stringList({
      description: 'What it lacks, in words: `["a digit"]`.',
      resolve: (error) => [...error.missing],
    }),
  }),
})

const AuthPayload = builder.objectRef<IssuedTokens>('AuthPayload').implement({
  description: 'A signed-in session. Send the access token as `Authorization: Bearer …`.',
  fields: (t) => ({
    accessToken: t.exposeString('accessToken', { nullable: true, description: 'For every request; short-lived.' }),
    tokenType: t.string({ description: 'Always `Bearer`.', resolve: () => 'Bearer' }),
    expiresIn: t.exposeInt('expiresInSeconds', { description: 'Seconds until the access token expires.' }),
    refreshToken: t.exposeString('refreshToken', {
      nullable: true,
      description:
        'Trade it once for its successor with `refreshTokens`. Keep it secret: whoever has it and your `User-Agent` can be you.',
    }),
    viewer: t.field({
      type: ViewerType,
      description: 'Who is signed in now.',
      resolve: (_tokens, _args, ctx) => requireUser(ctx),
    }),
  }),
})

const deviceName = optional(singleLine({ min: 1, max: 80 }))
const token = z.string().max(MAX_TOKEN_LENGTH)
const MAX_PASSWORD_LENGTH = 1024
// Characters, not UTF-16 units: four emoji are no password of eight, and 1,024 of anything are welcome.
const password = z
  .string()
  .refine((text) => [...text].length >= 8, 'at least 8 characters')
  .refine((text) => [...text].length <= MAX_PASSWORD_LENGTH, 'at most 1,024 characters')

const RegisterInput = builder.inputType('RegisterInput', {
  description: 'A new account.',
  fields: (t) => ({
    email: t.field({ type: 'EmailAddress', required: true, description: 'The address to sign in with.' }),
    password: t.string({
      required: true,
      description:
        '8 to 1,024 characters, with an upper-case and a lower-case letter, a digit and a special character.',
    }),
    displayName: t.string({ required: true, description: 'The name to show: 2 to 80 characters.' }),
    username: t.string({ description: '3 to 32 letters, digits, `_`, `.` or `-`; unique, ignoring case.' }),
    deviceName: t.string({ description: 'What to call this device in the list of sessions.' }),
  }),
})

// Mutation.register
builder.mutationField('register', (t) =>
  mutation(t, {
    type: AuthPayload,
    input: RegisterInput,
    isPublic: true,
    schema: z.object({
      email: singleLine({ max: 254 }).pipe(z.email('not an e-mail address')),
      password,
      displayName: singleLine({ min: 2, max: 80 }),
      username: optional(z.string().regex(/^[A-Za-z0-9_.-]{3,32}$/, '3 to 32 letters, digits, "_", "." or "-"')),
      deviceName,
    }),
    errors: [WeakPassword, EmailTaken, UsernameTaken],
    description: 'Makes an account with a personal organization and signs it in on this device.',
    resolve: (input, ctx) => register(ctx, input),
  }),
)

const LoginInput = builder.inputType('LoginInput', {
  description: 'Credentials of an account.',
  fields: (t) => ({
    identifier: t.string({ required: true, description: 'E-mail address or username, ignoring case.' }),
    password: t.string({ required: true, description: 'The password.' }),
    deviceName: t.string({ description: 'What to call this device in the list of sessions.' }),
  }),
})

// Mutation.login
builder.mutationField('login', (t) =>
  mutation(t, {
    type: AuthPayload,
    input: LoginInput,
    isPublic: true,
    schema: z.object({
      identifier: z.string().max(254),
      password: z.string().max(2 * MAX_PASSWORD_LENGTH),
      deviceName,
    }),
    errors: [InvalidCredentials],
    description: 'Signs in on this device.',
    resolve: (input, ctx) => login(ctx, input),
  }),
)

const RefreshTokensInput = builder.inputType('RefreshTokensInput', {
  description: 'The session to go on with.',
  fields: (t) => ({
    refreshToken: t.string({ required: true, description: 'The newest refresh token of the session.' }),
  }),
})

// Mutation.refreshTokens
builder.mutationField('refreshTokens', (t) =>
  mutation(t, {
    type: AuthPayload,
    input: RefreshTokensInput,
    isPublic: true,
    schema: z.object({ refreshToken: token }),
    errors: [InvalidRefreshToken],
    description:
      'Trades the refresh token for new tokens. Retrying is safe for 24 h until the new one was used, with the same `User-Agent`; any other use of a spent token ends the session.',
    resolve: (input, ctx) => refreshSession(ctx, input.refreshToken),
  }),
)

const LogoutPayload = builder.objectRef<EndedSession>('LogoutPayload').implement({
  description: 'The session that was ended.',
  fields: (t) => ({
    deviceSessionId: t.id({
      description: 'Its id.',
      resolve: (ended) => encodeGlobalId('DeviceSession', ended.deviceSessionId),
    }),
  }),
})

const LogoutInput = builder.inputType('LogoutInput', {
  description: 'The session to end: the one of the access token, unless a refresh token names it.',
  fields: (t) => ({
    refreshToken: t.string({ description: 'Ends its session even when the access token has expired already.' }),
  }),
})

// Mutation.logout
builder.mutationField('logout', (t) =>
  mutation(t, {
    type: LogoutPayload,
    input: LogoutInput,
    isPublic: true,
    schema: z.object({ refreshToken: optional(token) }),
    errors: [InvalidRefreshToken],
    description: 'Ends this device’s session: its access and refresh tokens are refused from now on.',
    resolve: (input, ctx) => logout(ctx, input.refreshToken),
  }),
)
