import { randomBytes } from 'node:crypto'
import { formatCredential } from '../../../lib/credential.ts'
import { sha256Hex } from '../../../lib/hash.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import { type Context, readerOf, type UserViewer } from '../../../platform/context.ts'
import { jsonb } from '../../../platform/database/jsonb.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { Denial, EditConflict, Forbidden, NotFound, UserError } from '../../../platform/errors.ts'
import { pass, requireAction, requirePerson, requireViewer } from '../../../platform/gate.ts'
import { createManyOnce } from '../../../platform/idempotency.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import { demandLiving, lockUser } from '../devices/device-session.service.ts'
import { demandHeld } from '../keys/held-permissions.reads.ts'
import { tellViewer } from '../users/viewer.events.ts'
import { Agent, type AgentKind, AgentToken } from './agent.entity.ts'
import { type AgentTrustLevel, agentTrustLevels } from './agent.policy.ts'
import { type AgentRow, agentColumns, agentRow, findAgent } from './agent.reads.ts'

/** How long an agent's token lasts at most, and unless asked for less; in seconds. */
export const MAX_TOKEN_SECONDS = 900

/** More trust than the organization has in agents. */
export class TrustAboveLimit extends Denial {
  readonly code = 'TRUST_ABOVE_LIMIT'
  /** Null where no agent may act. */
  readonly limit: AgentTrustLevel | null
  constructor(limit: AgentTrustLevel | null, action: string, target: string | null) {
    super(
      limit === null ? 'This organization lets no agent act.' : `This organization trusts agents up to ${limit}.`,
      action,
      target,
    )
    this.limit = limit
  }
}

/** The agent is disabled, for good. */
export class AgentDisabled extends UserError {
  readonly code = 'AGENT_DISABLED'
  constructor() {
    super('This agent is disabled. Make another one.')
  }
}

/** Agents that are not disabled, of one person in one organization. */
export const MAX_AGENTS = 100

/** The person has as many agents in the organization as they may; one has to be disabled first. */
export class TooManyAgents extends UserError {
  readonly code = 'TOO_MANY_AGENTS'
  constructor() {
    super(`There are ${MAX_AGENTS} agents already. Disable one first.`)
  }
}

/** An agent to be made, for whoever asks. */
export interface NewAgent {
  readonly displayName: string
  readonly avatarUrl: string | null
  readonly kind: AgentKind
  readonly trustLevel: AgentTrustLevel
  readonly permissions: readonly string[]
  readonly idempotencyKey: string | null
}

/** What to change of an agent: undefined leaves a field as it is, null empties it. */
export interface AgentChange {
  readonly id: string
  readonly expectedVersion: number
  readonly displayName: string | undefined
  readonly avatarUrl?: string | null | undefined
  readonly trustLevel: AgentTrustLevel | undefined
  readonly permissions: readonly string[] | undefined
}

/** A token of an agent's, which is told this once. */
export interface IssuedAgentToken {
  readonly token: string
  readonly expiresAt: Date
  readonly agent: AgentRow
}

/**
 * Makes an agent of the viewer's own. Only a person on a device does: an agent or a key that made agents could give away
 * what it has not got. @throws {PermissionNotHeld | TrustAboveLimit | TooManyAgents | IdempotencyKeyReused}
 */
export async function createAgent(ctx: Context, input: NewAgent): Promise<AgentRow> {
  const viewer = requirePerson(ctx, 'agent.create')
  const { userId, organizationId } = viewer
  requireAction(ctx, 'agent.create')
  const [id = ''] = await createManyOnce(ctx, 'createAgent', input, async (tx) => {
    await lockUser(tx, userId)
    await demandLiving(tx, viewer)
    const asked = { permissions: input.permissions, action: 'agent.create', target: null }
    await demandHeld(tx, { userId, organizationId }, asked)
    await demandTrust(tx, organizationId, { level: input.trustLevel, action: 'agent.create', target: null })
    if ((await livingAgents(tx, viewer)) >= MAX_AGENTS) throw new TooManyAgents()
    const agent = tx.em.create(Agent, {
      id: newUuid(tx.now),
      organization: organizationId,
      owner: userId,
      displayName: input.displayName,
      avatarUrl: input.avatarUrl,
      kind: input.kind,
      trustLevel: input.trustLevel,
      permissions: input.permissions,
      version: 1,
      createdAt: tx.now,
      updatedAt: tx.now,
      disabledAt: null,
    })
    audit(ctx, tx, { action: 'agent.create', target: encodeTypeId('agent', agent.id) })
    return [agent.id]
  })
  return demandAgent(ctx, id, 'agent.create')
}

/**
 * Changes an agent, as its owner or an administrator; never to more than its owner has, and by others than them never to
 * more than it had: it acts with its owner's rights, which may be above theirs. What it has open looks again at what it may.
 * @throws {NotFound | Forbidden | EditConflict | PermissionNotHeld | TrustAboveLimit}
 */
export async function updateAgent(ctx: Context, change: AgentChange): Promise<AgentRow> {
  const { id, displayName, avatarUrl, trustLevel, permissions } = change
  const target = encodeTypeId('agent', id)
  const { ownerId } = await managed(ctx, id)
  const isOwner = requireViewer(ctx).userId === ownerId
  await transact(ctx, async (tx) => {
    const { agent, organizationId } = await lockAgent(ctx, tx, { id, ownerId })
    if (agent.version !== change.expectedVersion) throw new EditConflict(target)
    if (!isOwner && isWidening(agent, change)) throw new Forbidden('agent.update', target)
    if (permissions !== undefined) {
      await demandHeld(tx, { userId: ownerId, organizationId }, { permissions, action: 'agent.update', target })
    }
    if (trustLevel !== undefined) {
      await demandTrust(tx, organizationId, { level: trustLevel, action: 'agent.update', target })
    }
    await tx.unscoped
      .updateTable('agent')
      .set((on) => ({
        version: on('version', '+', 1),
        updated_at: tx.now,
        ...(displayName !== undefined && { display_name: displayName }),
        ...(avatarUrl !== undefined && { avatar_url: avatarUrl }),
        ...(trustLevel !== undefined && { trust_level: trustLevel }),
        ...(permissions !== undefined && { permissions: jsonb(permissions) }),
      }))
      .where('id', '=', id)
      .execute()
    await tellViewer(tx, ownerId, { type: 'ViewerUpdated' })
    audit(ctx, tx, { action: 'agent.update', target })
  })
  return demandAgent(ctx, id, 'agent.manage')
}

/**
 * Issues a token the agent acts with. Only its owner does, whose rights it carries: an administrator would gain theirs.
 * @throws {NotFound | Forbidden | AgentDisabled}
 */
export async function issueAgentToken(ctx: Context, id: string, ttlSeconds: number): Promise<IssuedAgentToken> {
  const target = encodeTypeId('agent', id)
  const viewer = requirePerson(ctx, 'agent.issue_token', target)
  const { userId } = viewer
  const found = await demandAgent(ctx, id, 'agent.issue_token')
  if (found.ownerId !== userId) throw new Forbidden('agent.issue_token', target)
  const token = formatCredential('agent', randomBytes(32))
  const expiresAt = await transact(ctx, async (tx) => {
    const { agent } = await lockAgent(ctx, tx, { id, ownerId: userId })
    await demandLiving(tx, viewer)
    if (agent.disabledAt !== null) throw new AgentDisabled()
    const expiresAt = new Date(tx.now.getTime() + ttlSeconds * 1_000)
    const tokenHash = sha256Hex(token)
    tx.em.create(AgentToken, { id: newUuid(tx.now), agent: id, tokenHash, createdAt: tx.now, expiresAt })
    audit(ctx, tx, { action: 'agent.issue_token', target })
    return expiresAt
  })
  return { token, expiresAt, agent: found }
}

/**
 * Ends an agent for good, as its owner or an administrator: its tokens are refused at once, and what it has open ends.
 * Ending an ended one is no error. @throws {NotFound | Forbidden}
 */
export async function disableAgent(ctx: Context, id: string): Promise<AgentRow> {
  const target = encodeTypeId('agent', id)
  const { ownerId } = await managed(ctx, id)
  await transact(ctx, async (tx) => {
    const { agent } = await lockAgent(ctx, tx, { id, ownerId })
    if (agent.disabledAt === null) {
      await disable(tx).where('id', '=', id).execute()
      await tellViewer(tx, ownerId, { type: 'ViewerUpdated' })
    }
    audit(ctx, tx, { action: 'agent.disable', target })
  })
  return demandAgent(ctx, id, 'agent.manage')
}

/**
 * Ends all agents of a person in one organization, or in whatever one, inside the transaction of what led to it, which also
 * tells them.
 */
export async function disableAgentsOf(tx: Transaction, userId: string, organizationId?: string): Promise<void> {
  const agents = disable(tx).where('owner_id', '=', userId).where('disabled_at', 'is', null)
  await (organizationId === undefined ? agents : agents.where('organization_id', '=', organizationId)).execute()
}

/** Takes the tokens of all agents of a person away; the agents stay. */
export async function endTokensOf({ unscoped }: Transaction, userId: string): Promise<void> {
  const theirs = unscoped.selectFrom('agent').select('id').where('owner_id', '=', userId)
  await unscoped.deleteFrom('agent_token').where('agent_id', 'in', theirs).execute()
}

function disable({ unscoped, now }: Transaction) {
  return unscoped
    .updateTable('agent')
    .set((on) => ({ disabled_at: now, updated_at: now, version: on('version', '+', 1) }))
}

async function livingAgents({ unscoped }: Transaction, { userId, organizationId }: UserViewer): Promise<number> {
  const { count } = await unscoped
    .selectFrom('agent')
    .select((on) => on.fn.countAll<number>().as('count'))
    .where('owner_id', '=', userId)
    .where('organization_id', '=', organizationId)
    .where('disabled_at', 'is', null)
    .executeTakeFirstOrThrow()
  return count
}

function isWidening(agent: AgentRow, { trustLevel, permissions }: AgentChange): boolean {
  const rank = (level: AgentTrustLevel) => agentTrustLevels.indexOf(level)
  if (trustLevel !== undefined && rank(trustLevel) > rank(agent.trustLevel)) return true
  return permissions?.some((permission) => !agent.permissions.includes(permission)) === true
}

/** The gate: an agent the person owns, or may manage as an administrator. @throws {NotFound | Forbidden} */
async function managed(ctx: Context, id: string): Promise<AgentRow> {
  const target = encodeTypeId('agent', id)
  requirePerson(ctx, 'agent.manage', target)
  return pass(ctx, 'agent', await findAgent(ctx, id), 'agent.manage', target)
}

async function demandAgent(ctx: Context, id: string, action: string): Promise<AgentRow> {
  const agent = await findAgent(ctx, id)
  if (agent === null) throw new NotFound('agent', action, encodeTypeId('agent', id))
  return agent
}

/** The agent as it is, until the transaction ends; its owner's row first, as always. An agent never changes hands. */
async function lockAgent(ctx: Context, tx: Transaction, { id, ownerId }: { id: string; ownerId: string }) {
  await lockUser(tx, ownerId)
  const { organizationId, ...row } = await tx.unscoped
    .selectFrom('agent')
    .select([...agentColumns, 'agent.organization_id as organizationId'])
    .where('agent.id', '=', id)
    .forUpdate()
    .executeTakeFirstOrThrow()
  return { agent: agentRow(readerOf(ctx.viewer), row), organizationId }
}

/** @throws {TrustAboveLimit} */
async function demandTrust(
  { unscoped }: Transaction,
  organizationId: string,
  { level, action, target }: { level: AgentTrustLevel; action: string; target: string | null },
): Promise<void> {
  const { limit } = await unscoped
    .selectFrom('organization')
    .select('agent_trust_limit as limit')
    .where('id', '=', organizationId)
    .executeTakeFirstOrThrow()
  const isWithin = limit !== null && agentTrustLevels.indexOf(level) <= agentTrustLevels.indexOf(limit)
  if (!isWithin) throw new TrustAboveLimit(limit, action, target)
}
