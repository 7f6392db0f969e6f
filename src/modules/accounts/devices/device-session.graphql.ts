import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { idKey, keysetConnection } from '../../../graphql/connection.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { errorType } from '../../../graphql/errors.ts'
import { encodeGlobalId, idOf } from '../../../graphql/ids.ts'
import { optional } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import type { DeviceType } from '../../../lib/device-type.ts'
import {
  AuthPayloadType,
  deviceFieldDescriptions,
  deviceFields,
  TokenModeRef,
  tokenText,
} from '../tokens/auth-payload.graphql.ts'
import { ViewerType } from '../users/viewer.graphql.ts'
import {
  countDeviceSessions,
  type DeviceSessionRow,
  findDeviceSession,
  listDeviceSessions,
} from './device-session.reads.ts'
import { revokeDeviceSession, revokeOtherDeviceSessions } from './device-session.service.ts'
import { type EndedSession, InvalidRefreshToken, logout, refreshSession } from './refresh.service.ts'

errorType(InvalidRefreshToken, 'The refresh token is spent, expired or of an ended session. Sign in again.')

const deviceTypeDescriptions: Record<DeviceType, string> = {
  DESKTOP: 'A computer.',
  MOBILE: 'A telephone.',
  TABLET: 'A tablet.',
  OTHER: 'It does not tell.',
}

const DeviceTypeRef = builder.enumType('DeviceType', {
  description: 'What kind of device a session is on, guessed from its User-Agent.',
  values: describedValues(deviceTypeDescriptions),
})

/** A device somebody is signed in on. */
export const DeviceSessionNode = builder.node(builder.objectRef<DeviceSessionRow>('DeviceSession'), {
  description: 'A device that you are signed in on. Nobody else sees it.',
  id: { description: 'Opaque, typed and sortable: `device_session_01jd…`.', resolve: (session) => session.id },
  loadOne: (id, ctx) => findDeviceSession(ctx, id),
  fields: (t) => ({
    deviceName: t.exposeString('deviceName', { nullable: true, description: 'What it was called at sign-in.' }),
    deviceType: t.field({
      type: DeviceTypeRef,
      description: 'What kind of device it seems to be.',
      resolve: (session) => session.deviceType,
    }),
    ipAddress: t.exposeString('address', {
      nullable: true,
      description: 'Where it last signed in or refreshed from; null when that is not known.',
    }),
    userAgent: t.exposeString('userAgent', { nullable: true, description: 'What its client calls itself.' }),
    isCurrent: t.boolean({
      description: 'Whether it is the one that asks.',
      resolve: ({ id }, _args, { viewer }) => viewer.kind === 'user' && viewer.deviceSessionId === id,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it signed in.' }),
    lastSeenAt: t.expose('lastSeenAt', {
      type: 'DateTime',
      description: 'When it was last in use, to about a minute.',
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When it ends unless it is refreshed.' }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was ended; null while it lives.',
    }),
  }),
})

// Viewer.deviceSessions
builder.objectField(ViewerType, 'deviceSessions', (t) =>
  t.connection(
    {
      type: DeviceSessionNode,
      description: 'The devices you are signed in on, newest first.',
      resolve: (_viewer, args, ctx) =>
        keysetConnection({
          args,
          keySchema: idKey,
          rows: (window) => listDeviceSessions(ctx, window),
          keyOf: (session) => [session.id],
          count: () => countDeviceSessions(ctx),
        }),
    },
    { description: 'A page of devices.' },
    { description: 'One device of a page.' },
  ),
)

const RefreshTokensInput = builder.inputType('RefreshTokensInput', {
  description: 'The session to go on with.',
  fields: (t) => ({
    refreshToken: t.string({
      description:
        'The newest refresh token of the session; when left out its cookie, whose successors are cookies too.',
    }),
    deviceToken: t.string({ description: deviceFieldDescriptions.deviceToken }),
    mode: t.field({ type: TokenModeRef, description: deviceFieldDescriptions.mode }),
  }),
})

// Mutation.refreshTokens
builder.mutationField('refreshTokens', (t) =>
  mutation(t, {
    type: AuthPayloadType,
    input: RefreshTokensInput,
    isPublic: true,
    schema: z.object({
      refreshToken: optional(tokenText),
      deviceToken: deviceFields.deviceToken,
      mode: deviceFields.mode,
    }),
    errors: [InvalidRefreshToken],
    description:
      'Trades the refresh token for new tokens. Retrying is safe for 24 h until the new one was used, by the same device: with the same `deviceToken`, or without one the same `User-Agent`. Any other use of a spent token ends the session.',
    resolve: (input, ctx) => refreshSession(ctx, input),
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
    schema: z.object({ refreshToken: optional(tokenText) }),
    errors: [InvalidRefreshToken],
    description:
      'Ends this device’s session: its access and refresh tokens are refused from now on, what it has open ends, and its cookies are cleared.',
    resolve: (input, ctx) => logout(ctx, input.refreshToken),
  }),
)

const RevokeDeviceSessionInput = builder.inputType('RevokeDeviceSessionInput', {
  description: 'Which device to sign out.',
  fields: (t) => ({ id: t.id({ required: true, description: 'One of your own sessions.' }) }),
})

// Mutation.revokeDeviceSession
builder.mutationField('revokeDeviceSession', (t) =>
  mutation(t, {
    type: DeviceSessionNode,
    input: RevokeDeviceSessionInput,
    schema: z.object({ id: idOf('DeviceSession') }),
    description: 'Signs one of your devices out: at once for requests, within two seconds for what it has open.',
    resolve: (input, ctx) => revokeDeviceSession(ctx, input.id),
  }),
)

const RevokedSessions = builder.objectRef<{ readonly ids: readonly string[] }>('RevokedSessions').implement({
  description: 'The sessions that were ended.',
  fields: (t) => ({
    deviceSessionIds: t.idList({
      description: 'Their ids; none when there were no others.',
      resolve: ({ ids }) => ids.map((id) => encodeGlobalId('DeviceSession', id)),
    }),
  }),
})

const RevokeOtherDeviceSessionsInput = builder.inputType('RevokeOtherDeviceSessionsInput', {
  description: 'Which of your other devices to sign out.',
  fields: (t) => ({
    notSeenSince: t.field({ type: 'DateTime', description: 'Only those not in use since then; all when left out.' }),
  }),
})

// Mutation.revokeOtherDeviceSessions
builder.mutationField('revokeOtherDeviceSessions', (t) =>
  mutation(t, {
    type: RevokedSessions,
    input: RevokeOtherDeviceSessionsInput,
    schema: z.object({ notSeenSince: optional(z.date()) }),
    description: 'Signs out all your devices but this one.',
    resolve: async (input, ctx) => ({ ids: await revokeOtherDeviceSessions(ctx, input.notSeenSince) }),
  }),
)
