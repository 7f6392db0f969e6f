import { sql } from 'kysely'
import { deviceTypeOf } from '../../../lib/device-type.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import { becomeViewer, type Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { InvalidInput, NotFound, Unauthenticated } from '../../../platform/errors.ts'
import { requirePerson } from '../../../platform/gate.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import { issueAccessToken } from '../tokens/access-token.service.ts'
import { tellViewer, type ViewerChannelEvent } from '../users/viewer.events.ts'
import { profileOf } from '../users/viewer.reads.ts'
import { accessFrom, currentViewer, viewerOfSession } from './authentication.service.ts'
import { deviceToken, traderOf, userAgentOf } from './device.service.ts'
import { DeviceSession } from './device-session.entity.ts'
import { type DeviceSessionRow, findDeviceSession, type SessionIdentity } from './device-session.reads.ts'

/** Where a client wants its tokens: in the answer, or in cookies that no script can read. */
export type TokenMode = 'BEARER' | 'COOKIE'

/** What signing in or refreshing answers; the tokens are null where they went into cookies. */
export interface IssuedTokens {
  readonly accessToken: string | null
  readonly refreshToken: string | null
  readonly deviceToken: string | null
  readonly expiresInSeconds: number
}

/** A session to be opened. */
export interface NewSession {
  readonly userId: string
  readonly organizationId: string
  readonly deviceName: string | null
  /** The device that the caller has proven to be, or null for one that is new here. */
  readonly deviceId: string | null
}

/** A session whose tokens are to be issued. */
export interface EnteredSession extends SessionIdentity {
  /** Whose token to hand out; null for a caller who has not proven to be the session's device. */
  readonly deviceId: string | null
  /** The number for the refresh token. */
  readonly counter: number
}

/**
 * Opens a device session, inside the transaction of what led to it. Of more living sessions than a person may have the
 * oldest end. A device that is new to an account which has others is told of as an alert.
 */
export async function openSession(ctx: Context, tx: Transaction, input: NewSession): Promise<EnteredSession> {
  const { refreshTokens, deviceSessions } = ctx.platform.settings
  const { userId, organizationId } = input
  const deviceSessionId = newUuid(tx.now)
  const deviceId = input.deviceId ?? newUuid(tx.now)
  await lockUser(tx, userId)
  const surplus = (await livingSessions(tx, userId)).slice(deviceSessions.maxPerUser - 1)
  await revoke(
    tx,
    surplus.map(({ id }) => id),
  )
  const isNewDevice = await isNewToAccount(tx, userId, deviceId)
  const alert = { type: 'SecurityAlert', kind: 'NEW_DEVICE', deviceSessionId } as const
  await tellViewer(tx, userId, ...surplus.map(({ id }) => sessionEnded(id)), ...(isNewDevice ? [alert] : []))
  tx.em.create(DeviceSession, {
    id: deviceSessionId,
    user: userId,
    deviceId,
    activeOrganization: organizationId,
    deviceName: input.deviceName,
    deviceType: deviceTypeOf(ctx.request.userAgent),
    userAgent: userAgentOf(ctx),
    address: ctx.request.address,
    refreshCounter: 0,
    refreshedAt: tx.now,
    refreshedBy: traderOf(ctx, input.deviceId),
    lastSeenAt: tx.now,
    createdAt: tx.now,
    expiresAt: new Date(tx.now.getTime() + refreshTokens.ttlSeconds * 1_000),
    revokedAt: null,
  })
  return { deviceSessionId, userId, organizationId, deviceId, counter: 0 }
}

/**
 * Issues the tokens of a session that is committed, and lets the operation go on as its person.
 * @throws {Unauthenticated} when it has ended again meanwhile
 */
export async function enterSession(ctx: Context, session: EnteredSession, mode: TokenMode): Promise<IssuedTokens> {
  const { platform } = ctx
  const { ttlSeconds } = platform.settings.accessTokens
  const tokens = {
    accessToken: await actIn(ctx, session),
    refreshToken: await platform.refreshBox.seal({ sid: session.deviceSessionId, n: session.counter }),
    deviceToken: session.deviceId === null ? null : await deviceToken(ctx, session.deviceId),
  }
  if (mode === 'BEARER') return { ...tokens, expiresInSeconds: ttlSeconds }
  storeTokens(ctx, tokens)
  return { accessToken: null, refreshToken: null, deviceToken: null, expiresInSeconds: ttlSeconds }
}

/**
 * Issues an access token of a session for another organization; its refresh token stays as it is.
 * @throws {Unauthenticated} when it has ended meanwhile
 */
export async function reenterSession(ctx: Context, session: SessionIdentity, mode: TokenMode): Promise<IssuedTokens> {
  const { ttlSeconds } = ctx.platform.settings.accessTokens
  const accessToken = await actIn(ctx, session)
  const others = { refreshToken: null, deviceToken: null, expiresInSeconds: ttlSeconds }
  if (mode === 'BEARER') return { ...others, accessToken }
  ctx.cookies?.write('access', accessToken, ttlSeconds)
  return { ...others, accessToken: null }
}

/** Lets the operation go on as the session's person, and signs their access token. */
async function actIn(ctx: Context, session: SessionIdentity): Promise<string> {
  const { platform } = ctx
  const viewer = await viewerOfSession(platform, session, accessFrom(platform, platform.clock.now()))
  if (viewer.kind !== 'user')
    throw new Unauthenticated(viewer.kind === 'anonymous' ? (viewer.reason ?? undefined) : undefined)
  becomeViewer(ctx, viewer)
  // Nearly every client asks for it next.
  await profileOf(ctx, viewer)
  return issueAccessToken(platform, viewer)
}

/** How long a browser keeps being known as a device; RFC 6265bis lets no cookie live longer. */
const DEVICE_COOKIE_SECONDS = 400 * 86_400

/**
 * Demands, before anything is done, that tokens can go where they are wanted.
 * @throws {InvalidInput} for cookies on a socket, or without the header that no other site can send
 */
export function demandCookieJar({ cookies }: Context, mode: TokenMode): void {
  if (mode === 'BEARER' || cookies?.mayWrite === true) return
  const message = cookies === null ? 'cookies cannot be set here' : 'cookies need the header x-ocean-csrf'
  throw new InvalidInput([{ path: ['mode'], message }])
}

function storeTokens(
  { cookies, platform }: Context,
  tokens: { accessToken: string; refreshToken: string; deviceToken: string | null },
): void {
  const { accessTokens, refreshTokens } = platform.settings
  if (cookies === null) throw new Error('There is no answer whose cookies could be set')
  cookies.write('access', tokens.accessToken, accessTokens.ttlSeconds)
  cookies.write('refresh', tokens.refreshToken, refreshTokens.ttlSeconds)
  if (tokens.deviceToken !== null) cookies.write('device', tokens.deviceToken, DEVICE_COOKIE_SECONDS)
}

/** Ends one of the viewer's own sessions; ending an ended one is no error. @throws {NotFound | Unauthenticated} */
export async function revokeDeviceSession(ctx: Context, id: string): Promise<DeviceSessionRow> {
  const target = encodeTypeId('device_session', id)
  const viewer = requirePerson(ctx, 'session.end', target)
  const { userId } = viewer
  await transact(ctx, async (tx) => {
    await lockUser(tx, userId)
    await demandLiving(tx, viewer)
    if (!(await isOwn(tx, userId, id))) throw new NotFound('device session', 'session.end', target)
    const isLiving = (await livingSessions(tx, userId)).some((session) => session.id === id)
    if (isLiving) await endSessions(tx, userId, [id])
    audit(ctx, tx, { action: 'session.end', target })
  })
  const row = await findDeviceSession(ctx, id)
  if (row === null) throw new NotFound('device session', 'session.end', target)
  await leaveSession(ctx, id)
  return row
}

/** Ends the viewer's other sessions, or those of them not seen since a time; answers which. */
export async function revokeOtherDeviceSessions(ctx: Context, notSeenSince: Date | null): Promise<readonly string[]> {
  const viewer = requirePerson(ctx, 'session.end_others')
  const { userId, deviceSessionId } = viewer
  return transact(ctx, async (tx) => {
    await lockUser(tx, userId)
    await demandLiving(tx, viewer)
    const others = (await livingSessions(tx, userId)).filter(({ id }) => id !== deviceSessionId)
    const ids = others
      .filter(({ lastSeenAt }) => notSeenSince === null || lastSeenAt < notSeenSince)
      .map(({ id }) => id)
    await endSessions(tx, userId, ids)
    audit(ctx, tx, { action: 'session.end_others', target: encodeTypeId('user', userId) })
    return ids
  })
}

/** Ends all living sessions of a person but one, inside the transaction of what led to it. */
export async function endOtherSessions(tx: Transaction, userId: string, kept: string | null): Promise<void> {
  const others = (await livingSessions(tx, userId)).filter(({ id }) => id !== kept)
  await endSessions(
    tx,
    userId,
    others.map(({ id }) => id),
  )
}

/** Ends sessions of a person and says so on their channel. */
export async function endSessions(
  tx: Transaction,
  userId: string,
  ids: readonly string[],
  ...alerts: readonly ViewerChannelEvent[]
): Promise<void> {
  if (ids.length === 0 && alerts.length === 0) return
  // The person's row before their sessions' rows: see `tellViewer`.
  await tellViewer(tx, userId, ...ids.map(sessionEnded), ...alerts)
  await revoke(tx, ids)
}

/** Holds the person's row: what opens and ends their sessions takes it first, one after the other. */
export async function lockUser(tx: Transaction, userId: string): Promise<void> {
  await tx.unscoped.selectFrom('user').select('id').where('id', '=', userId).forNoKeyUpdate().execute()
}

/**
 * Demands, under the lock of the person's row, that a session has not ended since its request was let in: who was just
 * signed out must not sign others out.
 * @throws {Unauthenticated}
 */
export async function demandLiving(tx: Transaction, session: SessionIdentity): Promise<void> {
  const living = await livingSessions(tx, session.userId)
  if (!living.some(({ id }) => id === session.deviceSessionId)) throw new Unauthenticated()
}

/** Makes devices unknown to an account: those of its sessions with these ids, or all. Whoever held them may be a thief. */
export async function forgetDevices(tx: Transaction, userId: string, ids: readonly string[] | null): Promise<void> {
  const update = tx.unscoped
    .updateTable('device_session')
    .set({ device_id: sql<string>`gen_random_uuid()` })
    .where('user_id', '=', userId)
  await (ids === null ? update : update.where('id', 'in', [...ids])).execute()
}

/** Lets an operation go on as nobody whose own session this was and has ended. */
export async function leaveSession(ctx: Context, deviceSessionId: string): Promise<void> {
  if (ctx.viewer.kind !== 'user' || ctx.viewer.deviceSessionId !== deviceSessionId) return
  becomeViewer(ctx, await currentViewer(ctx.platform, ctx.viewer))
  forgetCookies(ctx)
}

/** Clears the cookies of a session that has ended, which no script could. */
export function forgetCookies({ cookies }: Context): void {
  for (const name of ['access', 'refresh'] as const) cookies?.clear(name)
}

/** The living sessions of a person, the one refreshed last first. */
async function livingSessions(tx: Transaction, userId: string) {
  return tx.unscoped
    .selectFrom('device_session')
    .select(['id', 'last_seen_at as lastSeenAt'])
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', tx.now)
    .orderBy('refreshed_at', 'desc')
    .orderBy('id', 'desc')
    .execute()
}

/** Whether the account was used before, and never on this device. */
async function isNewToAccount(tx: Transaction, userId: string, deviceId: string): Promise<boolean> {
  const sessions = tx.unscoped.selectFrom('device_session').select('id').where('user_id', '=', userId).limit(1)
  if ((await sessions.where('device_id', '=', deviceId).executeTakeFirst()) !== undefined) return false
  return (await sessions.executeTakeFirst()) !== undefined
}

async function isOwn(tx: Transaction, userId: string, id: string): Promise<boolean> {
  const sessions = tx.unscoped.selectFrom('device_session').select('id').where('user_id', '=', userId)
  return (await sessions.where('id', '=', id).executeTakeFirst()) !== undefined
}

/** Ends sessions that have not ended before. */
async function revoke(tx: Transaction, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await tx.unscoped
    .updateTable('device_session')
    .set({ revoked_at: tx.now })
    .where('id', 'in', [...ids])
    .where('revoked_at', 'is', null)
    .execute()
}

function sessionEnded(deviceSessionId: string): ViewerChannelEvent {
  return { type: 'DeviceSessionEnded', deviceSessionId }
}
