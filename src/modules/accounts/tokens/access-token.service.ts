import { type JWTPayload, errors as joseErrors, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import { decodeTypeId, encodeTypeId } from '../../../lib/typeid.ts'
import type { Platform, UserViewer } from '../../../platform/context.ts'
import { MAX_TOKEN_LENGTH } from '../../../platform/crypto/sealed-box.ts'
import { newUuid } from '../../../platform/uuid.ts'

/** Whom an access token speaks for. */
export type TokenSubject = Pick<UserViewer, 'userId' | 'organizationId' | 'deviceSessionId' | 'role'>

/** What came of verifying a token; the reasons are for the client that holds it. */
export type VerifiedToken =
  | { readonly ok: true; readonly subject: Omit<TokenSubject, 'role'>; readonly expiresAt: Date }
  | { readonly ok: false; readonly reason: string }

const TYPE = 'at+jwt'
const rejected = { ok: false, reason: 'The access token is not valid.' } as const

const idClaim = (prefix: string) =>
  z.string().transform((text, check) => {
    const id = decodeTypeId(text)
    if (id?.prefix === prefix) return id.uuid
    check.addIssue('not an id')
    return z.NEVER
  })
const claimsSchema = z.object({
  sub: idClaim('user'),
  org: idClaim('organization'),
  sid: idClaim('device_session'),
  exp: z.number(),
})

/** Signs an access token (RFC 9068) with the newest key. */
export async function issueAccessToken(platform: Platform, subject: TokenSubject): Promise<string> {
  const { signingKeys, settings, clock } = platform
  const key = await signingKeys.signer()
  const now = clock.now()
  const issuedAt = Math.floor(now.getTime() / 1_000)
  return new SignJWT({
    org: encodeTypeId('organization', subject.organizationId),
    sid: encodeTypeId('device_session', subject.deviceSessionId),
    role: subject.role,
  })
    .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: TYPE })
    .setSubject(encodeTypeId('user', subject.userId))
    .setIssuer(settings.accessTokens.issuer)
    .setAudience([...settings.accessTokens.audience])
    .setJti(newUuid(now))
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + settings.accessTokens.ttlSeconds)
    .sign(key.privateKey)
}

/** Checks signature, type, issuer, audience and time of an access token. Says nothing of revocation. Never throws for a bad token. */
export async function verifyAccessToken(platform: Platform, token: string): Promise<VerifiedToken> {
  if (token.length > MAX_TOKEN_LENGTH) return rejected
  const { signingKeys, settings, clock } = platform
  try {
    const { payload } = await jwtVerify(
      token,
      async (header) => {
        const key = await signingKeys.verifier(header.kid ?? '')
        // One algorithm a key: a token cannot choose how it is checked.
        if (key === null || key.algorithm !== header.alg) throw new joseErrors.JWKSNoMatchingKey()
        return key.publicKey
      },
      {
        typ: TYPE,
        issuer: settings.accessTokens.issuer,
        audience: [...settings.accessTokens.audience],
        currentDate: clock.now(),
        requiredClaims: ['sub', 'exp', 'iat'],
      },
    )
    return subjectOf(payload)
  } catch (error) {
    if (error instanceof joseErrors.JWTExpired) return { ok: false, reason: 'The access token has expired.' }
    if (error instanceof joseErrors.JOSEError) return rejected
    throw error
  }
}

function subjectOf(payload: JWTPayload): VerifiedToken {
  const claims = claimsSchema.safeParse(payload)
  if (!claims.success) return rejected
  const { sub, org, sid, exp } = claims.data
  const subject = { userId: sub, organizationId: org, deviceSessionId: sid }
  return { ok: true, subject, expiresAt: new Date(exp * 1_000) }
}
