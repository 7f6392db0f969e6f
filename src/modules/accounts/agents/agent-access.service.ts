import { encodeTypeId } from '../../../lib/typeid.ts'
import { type Action, ruleOf } from '../../../platform/access.ts'
import type { AgentViewer, Platform } from '../../../platform/context.ts'
import { roleUnder } from '../devices/device-session.reads.ts'
import { type Admitted, type Found, isOver, type Looked, refused } from '../keys/found.reads.ts'
import { type AgentTrustLevel, agentTrustLevels, kindsOfTrust } from './agent.policy.ts'
import { accessOfToken, type TokenKey } from './agent.reads.ts'

/**
 * Who an agent's token speaks for now: the agent, acting for its owner within its permissions, its trust level and that of
 * the organization. Nobody once it is disabled, the token expired, or the owner gone from the organization.
 */
export async function viewerOfAgentToken(platform: Platform, key: TokenKey, looked: Looked): Promise<Found> {
  const access = await accessOfToken(platform.database.unscoped, key, looked.projectId)
  if (access === null) return { viewer: refused("This agent's token is not known."), known: null }
  const known = { target: encodeTypeId('agent', access.agentId), organizationId: access.organizationId }
  if (access.disabledAt !== null) return { viewer: refused('This agent is disabled.'), known }
  if (access.isClosed) return { viewer: refused('The account behind this agent is closed.'), known }
  if (isOver(access.expiresAt, platform.clock.now(), looked)) {
    return { viewer: { ...refused("This agent's token has expired."), isLapsed: true }, known }
  }
  const { agentId, agentTokenId, organizationId, version: accessVersion, projectEpoch } = access
  const owner = { userId: access.ownerId, organizationId }
  const role = await roleUnder(platform, owner, accessVersion)
  if (role === null) {
    const reason = 'The owner of this agent is no longer a member of its organization.'
    return { viewer: { ...refused(reason), isRemoved: true }, known }
  }
  const grants = grantsOf(access.permissions, lesserTrust(access.trustLevel, access.trustLimit))
  const acting: Admitted = {
    ...{ role, grants, isPlatformAdmin: false, accessVersion, projectEpoch },
    accessUntil: access.expiresAt,
  }
  return { viewer: { kind: 'agent', agentId, agentTokenId, ...owner, ...acting } satisfies AgentViewer, known }
}

/** Of what an agent was given, what an agent of this trust may use at all; null is no trust. */
export function grantsOf(permissions: readonly string[], trust: AgentTrustLevel | null): ReadonlySet<string> {
  const kinds = trust === null ? [] : kindsOfTrust[trust]
  return new Set(permissions.filter((action) => kinds.some((kind) => kind === ruleOf(action as Action)?.kind)))
}

function lesserTrust(level: AgentTrustLevel, limit: AgentTrustLevel | null): AgentTrustLevel | null {
  if (limit === null) return null
  return agentTrustLevels.indexOf(level) <= agentTrustLevels.indexOf(limit) ? level : limit
}
