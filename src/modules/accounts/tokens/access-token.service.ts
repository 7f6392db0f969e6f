import { type CryptoKey, type JWTPayload, type JWTVerifyOptions, errors as joseErrors, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import { isCanonicalJwt } from '../../../lib/canonical-jwt.ts'
import { decodeTypeId, encodeTypeId } from '../../../lib/typeid.ts'
import type { Platform, UserViewer } from '../../../platform/context.ts'
import type { KeySet } from '../../../platform/crypto/key-set.ts'
import { MAX_TOKEN_LENGTH } from '../../../platform/crypto/sealed-box.ts'
import {
  type CheckCounts,
  type Checked,
  createVerifiedTokens,
  type VerifiedTokens,
} from '../../../platform/crypto/verified-tokens.ts'
import { newUuid } from '../../../platform/uuid.ts'

/** Whom an access token speaks for. */
export type TokenSubject = Pick<UserViewer, 'userId' | 'organizationId' | 'deviceSessionId' | 'role'>

/** What came of verifying a token; the reasons are for the client that holds it. */
export type VerifiedToken =
  | { readonly ok: true; readonly subject: Omit<TokenSubject, 'role'>; readonly expiresAt: Date }
  | { readonly ok: false; readonly reason: string }

const TYPE = 'at+jwt'
const MAX_REMEMBERED_TOKENS = 10_000
/** How far ahead of this node's clock that of the node may be that issued a token. */
const CLOCK_SKEW_SECONDS = 60
const rejected = { ok: false, reason: 'The access token is not valid.' } as const

const idClaim = (prefix: string) =>
  z.string().transform((text, check) => {
    const id = decodeTypeId(text)
    if (id?.prefix === prefix) return id.uuid
    check.addIssue('not an id')
    return z.NEVER
  })
/** What `issueAccessToken` writes, and nothing else: no keys brought along, no extensions, no nested tokens. */
const headerSchema = z.strictObject({
  alg: z.string(),
  kid: z.string().regex(/^[\w-]{43}$/), // RFC 7638, SHA-256
  typ: z.string(),
})
const wholeSeconds = z.number().int().positive()
const claimsSchema = z.object({
  sub: idClaim('user'),
  org: idClaim('organization'),
  sid: idClaim('device_session'),
  aud: z.union([z.string(), z.array(z.string())]),
  jti: z.string().min(1),
  iat: wholeSeconds,
  exp: wholeSeconds,
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

/**
 * Checks form, signature, type, issuer, audience and time of an access token; the signature once a token, as long as its
 * key is published. Says nothing of revocation. Never throws for a bad token.
 */
export async function verifyAccessToken(platform: Platform, token: string): Promise<VerifiedToken> {
  if (token.length > MAX_TOKEN_LENGTH) return rejected
  return verifiedTokens(platform).answer(token, () => check(platform, token))
}

/** How often this server checked the signature of an access token, and how often it knew it already. */
export function accessTokenChecks(platform: Platform): CheckCounts {
  return verifiedTokens(platform).counts()
}

// By the key set, which a server has one of, while each of its sockets has a Platform of its own.
const verifiedTokensOf = new WeakMap<KeySet, VerifiedTokens<VerifiedToken>>()

function verifiedTokens({ signingKeys, clock }: Platform): VerifiedTokens<VerifiedToken> {
  const made = verifiedTokensOf.get(signingKeys)
  if (made !== undefined) return made
  const tokens = createVerifiedTokens<VerifiedToken>({ keys: signingKeys, clock, maxTokens: MAX_REMEMBERED_TOKENS })
  verifiedTokensOf.set(signingKeys, tokens)
  return tokens
}

async function check(platform: Platform, token: string): Promise<Checked<VerifiedToken>> {
  if (!isCanonicalJwt(token)) return bad(rejected)
  try {
    const { payload, protectedHeader } = await jwtVerify(
      token,
      (header) => keyFor(platform.signingKeys, header),
      verifyOptions(platform),
    )
    const answer = subjectOf(platform, payload)
    const { kid = '' } = protectedHeader
    return { answer, good: answer.ok ? { kid, expiresAt: answer.expiresAt } : null }
  } catch (error) {
    if (error instanceof joseErrors.JWTExpired) return bad({ ok: false, reason: 'The access token has expired.' })
    if (error instanceof joseErrors.JOSEError) return bad(rejected)
    throw error
  }
}

const bad = (answer: VerifiedToken): Checked<VerifiedToken> => ({ answer, good: null })

async function keyFor(signingKeys: KeySet, header: unknown): Promise<CryptoKey> {
  const parsed = headerSchema.safeParse(header)
  if (!parsed.success) throw new joseErrors.JWSInvalid()
  const key = await signingKeys.verifier(parsed.data.kid)
  // One algorithm a key: a token cannot choose how it is checked.
  if (key === null || key.algorithm !== parsed.data.alg) throw new joseErrors.JWKSNoMatchingKey()
  return key.publicKey
}

function verifyOptions({ settings, clock }: Platform): JWTVerifyOptions {
  const { issuer, audience } = settings.accessTokens
  return { typ: TYPE, issuer, audience: [...audience], currentDate: clock.now() }
}

function subjectOf({ settings, clock }: Platform, payload: JWTPayload): VerifiedToken {
  const claims = claimsSchema.safeParse(payload)
  if (!claims.success) return rejected
  const { sub, org, sid, iat, exp } = claims.data
  if (iat > clock.now().getTime() / 1_000 + CLOCK_SKEW_SECONDS) return rejected
  if (exp - iat > settings.accessTokens.ttlSeconds) return rejected
  const subject = { userId: sub, organizationId: org, deviceSessionId: sid }
  return { ok: true, subject, expiresAt: new Date(exp * 1_000) }
}
