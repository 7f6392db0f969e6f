import { sql } from 'kysely'
import { z } from 'zod'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { UserError } from '../../../platform/errors.ts'
import { requirePerson } from '../../../platform/gate.ts'
import { audit } from '../../audit/audit.service.ts'
import { organizationToActIn } from '../organizations/active-organization.service.ts'
import { sendNotice } from '../passwords/notice.jobs.ts'
import { cookieOf, deviceIn, traderOf, userAgentOf } from './device.service.ts'
import { accessOfSession } from './device-session.reads.ts'
import {
  demandCookieJar,
  type EnteredSession,
  endSessions,
  enterSession,
  forgetCookies,
  forgetDevices,
  type IssuedTokens,
  leaveSession,
  lockUser,
  type TokenMode,
} from './device-session.service.ts'

/** The refresh token is spent, forged, expired or of an ended session. */
export class InvalidRefreshToken extends UserError {
  readonly code = 'INVALID_REFRESH_TOKEN'
  constructor() {
    super('This refresh token is not valid. Sign in again.')
  }
}

/** A refresh token to trade, and where its successors go. */
export interface Refresh {
  /** Null: the one in the caller's cookie. */
  readonly refreshToken: string | null
  readonly deviceToken: string | null
  /** Not asked for a token from a cookie, whose successors go there too. */
  readonly mode: TokenMode
}

/** The one session that was ended. */
export interface EndedSession {
  readonly deviceSessionId: string
}

const refreshTokenSchema = z.object({ sid: z.uuid(), n: z.number().int().nonnegative() })

/**
 * Trades a refresh token for its successor. The number inside is compared and swapped, so of many at once all get the
 * same successor; the previous number still does until the successor was used, to the device that traded it. Anything
 * else was copied: the whole session ends, and its person is alerted.
 * @throws {InvalidRefreshToken}
 */
export async function refreshSession(ctx: Context, input: Refresh): Promise<IssuedTokens> {
  // What came in a cookie goes back into one: in the answer a script could read it.
  const mode = input.refreshToken === null ? 'COOKIE' : input.mode
  demandCookieJar(ctx, input.mode)
  const token = await openToken(ctx, input.refreshToken ?? cookieOf(ctx, 'refresh'))
  if (token === null) throw new InvalidRefreshToken()
  const presented = await deviceIn(ctx, input.deviceToken ?? cookieOf(ctx, 'device'))
  const trader = traderOf(ctx, presented)
  const session = await transact(ctx, async (tx) => {
    await lockOwner(tx, token.sid)
    const advanced = await advance(ctx, tx, token, trader)
    const known = advanced ?? (await findSession(tx, token.sid))
    if (known === undefined) return null
    const isGood = advanced !== undefined || isRepeat(ctx, tx, known, token.n, trader)
    // Also one that has ended already: another copy of its token turned up.
    if (!isGood && token.n < known.counter) await endCopied(tx, known)
    const admitted = isGood ? await goingOn(tx, known) : null
    const target = encodeTypeId('device_session', token.sid)
    const outcome = admitted === null ? 'denied' : 'allowed'
    audit(ctx, tx, { action: 'session.refresh', target, outcome, as: admitted ?? known })
    return admitted
  })
  if (session === null) {
    await leaveSession(ctx, token.sid)
    if (input.refreshToken === null) forgetCookies(ctx)
    throw new InvalidRefreshToken()
  }
  // A thief of the refresh token alone must not become the device by trading it.
  const deviceId = presented === session.deviceId ? presented : null
  return enterSession(ctx, { ...session, deviceId }, mode)
}

/**
 * Ends the session of a refresh token, or else the one the caller is signed in with; its tokens are refused from the
 * commit on. Ending an ended session is no error. Cookies with tokens are cleared.
 * @throws {InvalidRefreshToken} when the token is not one of ours
 */
export async function logout(ctx: Context, refreshToken: string | null): Promise<EndedSession> {
  const token = refreshToken ?? (ctx.viewer.kind === 'anonymous' ? cookieOf(ctx, 'refresh') : null)
  const as = token === null ? requirePerson(ctx, 'session.end') : await sessionOf(ctx, token)
  await transact(ctx, async (tx) => {
    await lockUser(tx, as.userId)
    const { isLiving } = await livingOrNot(tx, as.deviceSessionId)
    if (isLiving) await endSessions(tx, as.userId, [as.deviceSessionId])
    audit(ctx, tx, { action: 'session.end', target: encodeTypeId('device_session', as.deviceSessionId), as })
  })
  forgetCookies(ctx)
  await leaveSession(ctx, as.deviceSessionId)
  return { deviceSessionId: as.deviceSessionId }
}

async function openToken({ platform }: Context, refreshToken: string | null) {
  if (refreshToken === null) return null
  return refreshTokenSchema.safeParse(await platform.refreshBox.open(refreshToken)).data ?? null
}

type Token = z.infer<typeof refreshTokenSchema>

interface TradedSession extends EnteredSession {
  readonly refreshedAt: Date
  readonly refreshedBy: string
  readonly revokedAt: Date | null
}

const sessionColumns = [
  'device_session.id as deviceSessionId',
  'device_session.user_id as userId',
  'device_session.active_organization_id as organizationId',
  'device_session.device_id as deviceId',
  'device_session.refresh_counter as counter',
  'device_session.refreshed_at as refreshedAt',
  'device_session.refreshed_by as refreshedBy',
  'device_session.revoked_at as revokedAt',
] as const

/** Moves a living session whose counter this still is to the next one; undefined when there is none such. */
async function advance(
  ctx: Context,
  tx: Transaction,
  { sid, n }: Token,
  trader: string,
): Promise<TradedSession | undefined> {
  const { ttlSeconds, maxSeconds } = ctx.platform.settings.refreshTokens
  const idleEnd = new Date(tx.now.getTime() + ttlSeconds * 1_000)
  return (
    tx.unscoped
      .updateTable('device_session')
      .set({
        refresh_counter: n + 1,
        refreshed_at: tx.now,
        refreshed_by: trader,
        last_seen_at: tx.now,
        user_agent: userAgentOf(ctx),
        address: ctx.request.address,
        expires_at: sql<Date>`least(${idleEnd}::timestamptz, created_at + make_interval(secs => ${maxSeconds}))`,
      })
      .where('id', '=', sid)
      .where('refresh_counter', '=', n)
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', tx.now)
      // A suspended person's stays as it is, and good for when they are reinstated.
      .where(({ exists, selectFrom }) =>
        exists(
          selectFrom('user')
            .select('user.id')
            .whereRef('user.id', '=', 'device_session.user_id')
            .where('user.suspended_at', 'is', null),
        ),
      )
      .returning(sessionColumns)
      .executeTakeFirst()
  )
}

/**
 * Holds the person's row, before the session's as everywhere: an UPDATE that has waited for another keeps the row locked
 * even when it then finds another counter in it, and would wait for whoever holds the person's.
 */
async function lockOwner(tx: Transaction, sid: string): Promise<void> {
  const owner = await tx.unscoped
    .selectFrom('device_session')
    .select('user_id as userId')
    .where('id', '=', sid)
    .executeTakeFirst()
  if (owner !== undefined) await lockUser(tx, owner.userId)
}

/** The session whatever its state. */
async function findSession(tx: Transaction, sid: string): Promise<TradedSession | undefined> {
  return tx.unscoped.selectFrom('device_session').select(sessionColumns).where('id', '=', sid).executeTakeFirst()
}

/** Whether the number is the one before the newest, from whoever traded that, and not too late. */
function isRepeat({ platform }: Context, tx: Transaction, session: TradedSession, n: number, trader: string): boolean {
  if (n !== session.counter - 1 || session.refreshedBy !== trader) return false
  const ageMillis = tx.now.getTime() - session.refreshedAt.getTime()
  return ageMillis <= platform.settings.refreshTokens.overlapSeconds * 1_000
}

async function endCopied(tx: Transaction, { userId, deviceSessionId, revokedAt }: TradedSession): Promise<void> {
  if (revokedAt !== null) return
  const alert = { type: 'SecurityAlert', kind: 'REFRESH_TOKEN_REUSED', deviceSessionId } as const
  await endSessions(tx, userId, [deviceSessionId], alert)
  await forgetDevices(tx, userId, [deviceSessionId])
  await sendNotice(tx, userId, 'REFRESH_TOKEN_REUSED')
}

/**
 * The session as it goes on, or null for one that has ended: where its person is no longer a member of the organization it
 * was for, or that is deleted, it goes on in another of theirs.
 */
async function goingOn(tx: Transaction, session: TradedSession): Promise<TradedSession | null> {
  if ((await accessOfSession(tx.unscoped, session, { now: tx.now })) === null) return null
  const organizationId = await organizationToActIn(tx, session.userId, session.organizationId)
  if (organizationId === session.organizationId) return session
  await tx.unscoped
    .updateTable('device_session')
    .set({ active_organization_id: organizationId })
    .where('id', '=', session.deviceSessionId)
    .execute()
  return { ...session, organizationId }
}

async function sessionOf(ctx: Context, refreshToken: string) {
  const token = await openToken(ctx, refreshToken)
  if (token === null) throw new InvalidRefreshToken()
  const session = await ctx.platform.database.unscoped
    .selectFrom('device_session')
    .select(['id as deviceSessionId', 'user_id as userId', 'active_organization_id as organizationId'])
    .where('id', '=', token.sid)
    .executeTakeFirst()
  if (session === undefined) throw new InvalidRefreshToken()
  return session
}

async function livingOrNot(tx: Transaction, sid: string): Promise<{ isLiving: boolean }> {
  return tx.unscoped
    .selectFrom('device_session')
    .select(sql<boolean>`revoked_at is null and expires_at > ${tx.now}`.as('isLiving'))
    .where('id', '=', sid)
    .executeTakeFirstOrThrow()
}
