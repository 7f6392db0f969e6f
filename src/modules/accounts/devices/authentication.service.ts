import { credentialKind } from '../../../lib/credential.ts'
import type { Platform, RequestFacts, UserViewer, Viewer } from '../../../platform/context.ts'
import { viewerOfAgentToken } from '../agents/agent-access.service.ts'
import { viewerOfKey } from '../keys/api-key-access.service.ts'
import { viewerOfCredential } from '../keys/credential.service.ts'
import { verifyAccessToken } from '../tokens/access-token.service.ts'
import { accessOfSession, roleUnder, type SessionIdentity } from './device-session.reads.ts'

/** How exact `lastSeenAt` is: a session in use is written once in this time, not at each request. */
const SEEN_MILLIS = 60_000

/** What a caller shows of themselves: one of these, or nothing. */
export interface Shown {
  /** An `Authorization` header: a person's access token, or the secret of a key or an agent. */
  readonly authorization: string | null
  /** A secret by itself. */
  readonly apiKey: string | null
}

/** Who a caller is by what they show; what is bad or stale is anonymous, with the reason. */
export async function authenticate(
  platform: Platform,
  { authorization, apiKey }: Shown,
  request: RequestFacts,
): Promise<Viewer> {
  if (apiKey !== null) {
    return viewerOfCredential(platform, { kind: credentialKind(apiKey) ?? 'key', text: apiKey }, request)
  }
  if (authorization === null || authorization === '') return { kind: 'anonymous', reason: null }
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
  if (token === undefined) return { kind: 'anonymous', reason: 'The Authorization header is not a bearer token.' }
  const kind = credentialKind(token)
  if (kind !== null) return viewerOfCredential(platform, { kind, text: token }, request)
  const verified = await verifyAccessToken(platform, token)
  if (!verified.ok) return { kind: 'anonymous', reason: verified.reason }
  return viewerOfSession(platform, verified.subject, verified.expiresAt)
}

/**
 * Who a viewer is now: with today's role, or anonymous once session, key, token or membership has ended. What outlives its
 * access token, a socket or a stream, goes on for as long as the session is refreshed, on whatever door; what was opened
 * with a key or an agent's token, for a short grace.
 */
export async function currentViewer(
  platform: Platform,
  viewer: Viewer,
  projectId: string | null = null,
): Promise<Viewer> {
  const { graceSeconds } = platform.settings.accessTokens
  switch (viewer.kind) {
    case 'anonymous':
      return viewer
    case 'user':
      return viewerOfSession(platform, viewer, viewer.accessUntil, projectId)
    case 'api_key':
      return (await viewerOfKey(platform, viewer.secretHash, { projectId, graceSeconds })).viewer
    case 'agent':
      return (await viewerOfAgentToken(platform, { id: viewer.agentTokenId }, { projectId, graceSeconds })).viewer
  }
}

/** Who a session speaks for now, whose newest access known of ends at `accessUntil`. */
export async function viewerOfSession(
  platform: Platform,
  { userId, organizationId, deviceSessionId }: SessionIdentity,
  accessUntil: Date,
  projectId: string | null = null,
): Promise<Viewer> {
  const session = { userId, organizationId, deviceSessionId }
  const known = { userId, organizationId }
  const now = platform.clock.now()
  const access = await accessOfSession(platform.database.unscoped, session, { now, projectId })
  if (access === null) return { kind: 'anonymous', reason: 'This session has ended. Sign in again.', known }
  const role = await roleUnder(platform, session, access.version)
  if (role === null) {
    return { kind: 'anonymous', reason: 'You are no longer a member of this organization.', known, isRemoved: true }
  }
  const refreshed = accessFrom(platform, access.refreshedAt)
  const until = refreshed > accessUntil ? refreshed : accessUntil
  if (now.getTime() > until.getTime() + platform.settings.accessTokens.graceSeconds * 1_000) {
    return { kind: 'anonymous', reason: 'The access token has expired.', known, isLapsed: true }
  }
  await noteSeen(platform, deviceSessionId, access.lastSeenAt, now)
  const { version: accessVersion, projectEpoch, isPlatformAdmin } = access
  const acting = { role, grants: null, isPlatformAdmin, accessVersion, projectEpoch, accessUntil: until }
  return { kind: 'user', ...session, ...acting } satisfies UserViewer
}

/** When an access token issued at this time expires. */
export function accessFrom({ settings }: Platform, issuedAt: Date): Date {
  return new Date(issuedAt.getTime() + settings.accessTokens.ttlSeconds * 1_000)
}

async function noteSeen(platform: Platform, deviceSessionId: string, seenAt: Date, now: Date): Promise<void> {
  const staleBefore = new Date(now.getTime() - SEEN_MILLIS)
  if (seenAt > staleBefore) return
  try {
    await platform.database.unscoped
      .updateTable('device_session')
      .set({ last_seen_at: now })
      .where('id', '=', deviceSessionId)
      .where('last_seen_at', '<=', staleBefore)
      .execute()
  } catch (error) {
    // What is asked for must not fail for a time that is only shown.
    platform.log.warn({ err: error }, 'it could not be noted when a session was seen')
  }
}
