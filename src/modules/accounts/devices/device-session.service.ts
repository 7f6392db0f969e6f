import { sql } from 'kysely'
import { z } from 'zod'
import { deviceTypeOf } from '../../../lib/device-type.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import { becomeViewer, type Context, type Platform, type Viewer } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { UserError } from '../../../platform/errors.ts'
import { requireUser } from '../../../platform/gate.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import { issueAccessToken, type TokenSubject, verifyAccessToken } from '../tokens/access-token.service.ts'
import { DeviceSession } from './device-session.entity.ts'
import { isSessionOpen, standingOfSession } from './device-session.reads.ts'

/** The refresh token is spent, forged, expired or of an ended session. */
export class InvalidRefreshToken extends UserError {
  readonly code = 'INVALID_REFRESH_TOKEN'
  constructor() {
    super('This refresh token is not valid. Sign in again.')
  }
}

/** What signing in or refreshing answers. */
export interface IssuedTokens {
  readonly accessToken: string
  readonly refreshToken: string
  readonly expiresInSeconds: number
}

/** The one session that was ended. */
export interface EndedSession {
  readonly deviceSessionId: string
}

const refreshTokenSchema = z.object({ sid: z.uuid(), n: z.number().int().nonnegative() })

/** Opens a device session for a person and an organization, inside the transaction of what led to it. */
export function openSession(
  ctx: Context,
  tx: Transaction,
  input: { readonly userId: string; readonly organizationId: string; readonly deviceName: string | null },
): string {
  const { refreshTokens } = ctx.platform.settings
  const session = tx.em.create(DeviceSession, {
    id: newUuid(tx.now),
    user: input.userId,
    activeOrganization: input.organizationId,
    deviceId: newUuid(tx.now),
    deviceName: input.deviceName,
    deviceType: deviceTypeOf(ctx.request.userAgent),
    userAgent: userAgentOf(ctx),
    address: ctx.request.address,
    refreshCounter: 0,
    refreshedAt: tx.now,
    refreshedBy: '',
    lastSeenAt: tx.now,
    createdAt: tx.now,
    expiresAt: new Date(tx.now.getTime() + refreshTokens.ttlSeconds * 1_000),
    revokedAt: null,
  })
  return session.id
}

/** Issues the tokens of a session that is committed, and lets the operation go on as its person. */
export async function enterSession(ctx: Context, subject: TokenSubject, counter: number): Promise<IssuedTokens> {
  const { refreshBox, settings, clock } = ctx.platform
  becomeViewer(ctx, { kind: 'user', ...subject, accessUntil: accessFrom(ctx.platform, clock.now()) })
  return {
    accessToken: await issueAccessToken(ctx.platform, subject),
    refreshToken: await refreshBox.seal({ sid: subject.deviceSessionId, n: counter }),
    expiresInSeconds: settings.accessTokens.ttlSeconds,
  }
}

/**
 * Trades a refresh token for its successor. The number inside is compared and swapped, so of many at once all get the
 * same successor; the previous number still does until the successor was used, to the User-Agent that traded it.
 * Anything else was copied: the whole session ends.
 * @throws {InvalidRefreshToken}
 */
export async function refreshSession(ctx: Context, refreshToken: string): Promise<IssuedTokens> {
  const token = refreshTokenSchema.safeParse(await ctx.platform.refreshBox.open(refreshToken))
  if (!token.success) throw new InvalidRefreshToken()
  const { sid, n } = token.data
  const outcome = await transact(ctx, async (tx) => {
    const advanced = await advance(ctx, tx, sid, n)
    const session = advanced ?? (await lockSession(tx, sid))
    if (session === undefined) return null
    const isGood = advanced !== undefined || isRepeat(ctx, tx, session, n)
    if (!isGood && n < session.counter) await revoke(tx, sid)
    const role = isGood ? ((await standingOfSession(tx.unscoped, session, tx.now))?.role ?? null) : null
    const target = encodeTypeId('device_session', sid)
    audit(ctx, tx, { action: 'session.refresh', target, outcome: role === null ? 'denied' : 'allowed', as: session })
    if (role === null) return null
    const { userId, organizationId, deviceSessionId, counter } = session
    return { subject: { userId, organizationId, deviceSessionId, role }, counter }
  })
  if (outcome === null) {
    await leaveSession(ctx, sid)
    throw new InvalidRefreshToken()
  }
  return enterSession(ctx, outcome.subject, outcome.counter)
}

const sessionColumns = [
  'id as deviceSessionId',
  'user_id as userId',
  'active_organization_id as organizationId',
  'refresh_counter as counter',
  'refreshed_at as refreshedAt',
  'user_agent as userAgent',
] as const

/** Moves a living session whose counter this still is to the next one; undefined when there is none such. */
async function advance(ctx: Context, tx: Transaction, sid: string, counter: number) {
  const { ttlSeconds, maxSeconds } = ctx.platform.settings.refreshTokens
  const idleEnd = new Date(tx.now.getTime() + ttlSeconds * 1_000)
  return tx.unscoped
    .updateTable('device_session')
    .set({
      refresh_counter: counter + 1,
      refreshed_at: tx.now,
      user_agent: userAgentOf(ctx),
      expires_at: sql<Date>`least(${idleEnd}::timestamptz, created_at + make_interval(secs => ${maxSeconds}))`,
    })
    .where('id', '=', sid)
    .where('refresh_counter', '=', counter)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', tx.now)
    .returning(sessionColumns)
    .executeTakeFirst()
}

/** The session whatever its state. The lock makes the one who ends it wait for the one who advances it. */
async function lockSession(tx: Transaction, sid: string) {
  return tx.unscoped
    .selectFrom('device_session')
    .select(sessionColumns)
    .where('id', '=', sid)
    .forUpdate()
    .executeTakeFirst()
}

/**
 * Whether the number is the one before the newest, from the device that traded it: that answers until the newest is used,
 * or the overlap is over. Until devices have a signed id the User-Agent stands for one, so of a thief and an owner in
 * lockstep, one of whom always repeats what the other traded, only those with the same client are not found out.
 */
function isRepeat(
  ctx: Context,
  tx: Transaction,
  session: { counter: number; refreshedAt: Date; userAgent: string | null },
  n: number,
): boolean {
  if (n !== session.counter - 1 || session.userAgent !== userAgentOf(ctx)) return false
  const ageMillis = tx.now.getTime() - session.refreshedAt.getTime()
  return ageMillis <= ctx.platform.settings.refreshTokens.overlapSeconds * 1_000
}

/** As much of the caller's User-Agent as a session keeps. */
function userAgentOf({ request }: Context): string | null {
  return request.userAgent?.slice(0, 512) ?? null
}

/**
 * Ends the session of a refresh token, or else the one the caller is signed in with; its tokens are refused from the
 * commit on. Ending an ended session is no error.
 * @throws {InvalidRefreshToken} when the token is not one of ours
 */
export async function logout(ctx: Context, refreshToken: string | null): Promise<EndedSession> {
  const as = refreshToken === null ? requireUser(ctx) : await sessionOf(ctx, refreshToken)
  await transact(ctx, async (tx) => {
    await revoke(tx, as.deviceSessionId)
    audit(ctx, tx, { action: 'session.end', target: encodeTypeId('device_session', as.deviceSessionId), as })
  })
  await leaveSession(ctx, as.deviceSessionId)
  return { deviceSessionId: as.deviceSessionId }
}

/** Lets an operation go on as nobody whose own session this was and has ended. */
async function leaveSession(ctx: Context, deviceSessionId: string): Promise<void> {
  if (ctx.viewer.kind === 'anonymous' || ctx.viewer.deviceSessionId !== deviceSessionId) return
  becomeViewer(ctx, await currentViewer(ctx.platform, ctx.viewer))
}

async function sessionOf(ctx: Context, refreshToken: string) {
  const token = refreshTokenSchema.safeParse(await ctx.platform.refreshBox.open(refreshToken))
  if (!token.success) throw new InvalidRefreshToken()
  const session = await ctx.platform.database.unscoped
    .selectFrom('device_session')
    .select(['id as deviceSessionId', 'user_id as userId', 'active_organization_id as organizationId'])
    .where('id', '=', token.data.sid)
    .executeTakeFirst()
  if (session === undefined) throw new InvalidRefreshToken()
  return session
}

/** Ends a session, if it has not ended before. */
async function revoke(tx: Transaction, sid: string): Promise<void> {
  await tx.unscoped
    .updateTable('device_session')
    .set({ revoked_at: tx.now })
    .where('id', '=', sid)
    .where('revoked_at', 'is', null)
    .execute()
}

/** Who an `Authorization` header speaks for; a bad or stale one is anonymous, with the reason. */
export async function authenticate(platform: Platform, authorization: string | null): Promise<Viewer> {
  if (authorization === null || authorization === '') return { kind: 'anonymous', reason: null }
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
  if (token === undefined) return { kind: 'anonymous', reason: 'The Authorization header is not a bearer token.' }
  const verified = await verifyAccessToken(platform, token)
  if (!verified.ok) return { kind: 'anonymous', reason: verified.reason }
  return viewerOfSession(platform, verified.subject, verified.expiresAt)
}

/**
 * Who a viewer is now: with today's role, or anonymous once session or membership has ended. What outlives its access
 * token, a socket or a stream, goes on for as long as the session is refreshed, on whatever door.
 */
export async function currentViewer(platform: Platform, viewer: Viewer): Promise<Viewer> {
  return viewer.kind === 'anonymous' ? viewer : viewerOfSession(platform, viewer, viewer.accessUntil)
}

async function viewerOfSession(
  platform: Platform,
  { userId, organizationId, deviceSessionId }: Omit<TokenSubject, 'role'>,
  accessUntil: Date,
): Promise<Viewer> {
  const { database, clock, settings } = platform
  const { unscoped } = database
  const now = clock.now()
  const standing = await standingOfSession(unscoped, { userId, organizationId, deviceSessionId }, now)
  if (standing === null) {
    return (await isSessionOpen(unscoped, deviceSessionId, now))
      ? { kind: 'anonymous', reason: 'You are no longer a member of this organization.', isRemoved: true }
      : { kind: 'anonymous', reason: 'This session has ended. Sign in again.' }
  }
  const refreshed = accessFrom(platform, standing.refreshedAt)
  const until = refreshed > accessUntil ? refreshed : accessUntil
  if (now.getTime() > until.getTime() + settings.accessTokens.graceSeconds * 1_000) {
    return { kind: 'anonymous', reason: 'The access token has expired.', isLapsed: true }
  }
  return { kind: 'user', userId, organizationId, deviceSessionId, role: standing.role, accessUntil: until }
}

/** When an access token issued at this time expires. */
function accessFrom({ settings }: Platform, issuedAt: Date): Date {
  return new Date(issuedAt.getTime() + settings.accessTokens.ttlSeconds * 1_000)
}
