import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { optional } from '../../../graphql/input.ts'
import { singleLine } from '../../../lib/single-line.ts'
import { MAX_TOKEN_LENGTH } from '../../../platform/crypto/sealed-box.ts'
import { requireViewer } from '../../../platform/gate.ts'
import type { IssuedTokens, TokenMode } from '../devices/device-session.service.ts'
import { ViewerType } from '../users/viewer.graphql.ts'

const modeDescriptions: Record<TokenMode, string> = {
  BEARER: 'In the answer, to be sent as `Authorization: Bearer …`.',
  COOKIE:
    'In HttpOnly cookies, which no script can read; the tokens are then null in the answer. This and all later requests need the header `x-ocean-csrf` with any value. Not on sockets.',
}

/** Where tokens go. */
export const TokenModeRef = builder.enumType('TokenMode', {
  description: 'Where a client wants its tokens.',
  values: describedValues(modeDescriptions),
})

/** What signing in answers. */
export const AuthPayloadType = builder.objectRef<IssuedTokens>('AuthPayload').implement({
  description: 'A signed-in session. Send the access token as `Authorization: Bearer …`.',
  fields: (t) => ({
    accessToken: t.exposeString('accessToken', {
      nullable: true,
      description: 'For every request; short-lived. Null in cookie mode.',
    }),
    tokenType: t.string({ description: 'Always `Bearer`.', resolve: () => 'Bearer' }),
    expiresIn: t.exposeInt('expiresInSeconds', { description: 'Seconds until the access token expires.' }),
    refreshToken: t.exposeString('refreshToken', {
      nullable: true,
      description: 'Trade it once for its successor with `refreshTokens`. Keep it secret. Null in cookie mode.',
    }),
    deviceToken: t.exposeString('deviceToken', {
      nullable: true,
      description:
        'Keep it for as long as the app is installed and send it with `login` and `refreshTokens`: a device that is known gets in while somebody else guesses at the account, and a stolen refresh token alone is found out. It opens nothing by itself. Null in cookie mode, and after a refresh without it.',
    }),
    viewer: t.field({
      type: ViewerType,
      description: 'Who is signed in now.',
      resolve: (_tokens, _args, ctx) => requireViewer(ctx),
    }),
  }),
})

/** The rule of every token in an input. */
export const tokenText = z.string().max(MAX_TOKEN_LENGTH)

/** The rules of the fields that every way to sign in has. */
export const deviceFields = {
  deviceName: optional(singleLine({ min: 1, max: 80 })),
  deviceToken: optional(tokenText),
  mode: z
    .enum(['BEARER', 'COOKIE'])
    .nullish()
    .transform((mode) => mode ?? 'BEARER'),
}

/** The descriptions of those fields. */
export const deviceFieldDescriptions = {
  deviceName: 'What to call this device in the list of sessions.',
  deviceToken: 'The `deviceToken` of an earlier answer on this device, if there is one.',
  mode: 'Where the tokens go: into the answer, unless told otherwise.',
}
