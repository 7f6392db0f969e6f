import type { Kysely } from 'kysely'
import { isAtLeast, type Role, type Standing } from '../../../platform/access.ts'
import type { Context } from '../../../platform/context.ts'
import { keyset, type Window } from '../../../platform/database/keyset.ts'
import type { Tables } from '../../../platform/database/tables.ts'
import type { Reader, TenantReads } from '../../../platform/database/tenant-reads.ts'
import { may } from '../../../platform/gate.ts'
import { defineLoader, load } from '../../../platform/loaders.ts'
import type { AgentKind } from './agent.entity.ts'
import type { AgentTrustLevel } from './agent.policy.ts'

/** An agent as the graph shows it. */
export interface AgentRow extends Standing {
  readonly actorType: 'Agent'
  readonly id: string
  readonly ownerId: string
  readonly displayName: string
  readonly avatarUrl: string | null
  readonly kind: AgentKind
  readonly trustLevel: AgentTrustLevel
  readonly permissions: readonly string[]
  readonly version: number
  readonly createdAt: Date
  readonly disabledAt: Date | null
}

/** What is known of an agent by one of its tokens, whether or not it still counts. */
export interface TokenAccess {
  readonly agentTokenId: string
  readonly agentId: string
  readonly ownerId: string
  readonly organizationId: string
  readonly permissions: readonly string[]
  readonly trustLevel: AgentTrustLevel
  /** The most that agents are trusted with in the organization; null lets none act. */
  readonly trustLimit: AgentTrustLevel | null
  readonly expiresAt: Date
  readonly disabledAt: Date | null
  /** Whether its owner's account is suspended or deleted. */
  readonly isClosed: boolean
  /** The access epochs of the owner and the organization. */
  readonly version: string
  /** That of the project asked about, in that organization; null when none was. */
  readonly projectEpoch: number | null
}

/** A token by its hash, as it comes in, or by its id, once it is known. */
export type TokenKey = { readonly hash: string } | { readonly id: string }

/** What a token is good for; null for one that is not there. One statement, asked of the database at each use. */
export async function accessOfToken(
  unscoped: Kysely<Tables>,
  key: TokenKey,
  projectId: string | null,
): Promise<TokenAccess | null> {
  const row = await unscoped
    .selectFrom('agent_token')
    .innerJoin('agent', 'agent.id', 'agent_token.agent_id')
    .innerJoin('user', 'user.id', 'agent.owner_id')
    .leftJoin('organization', (join) =>
      join.onRef('organization.id', '=', 'agent.organization_id').on('organization.deleted_at', 'is', null),
    )
    .leftJoin('project', (join) =>
      join.on('project.id', '=', projectId).onRef('project.organization_id', '=', 'agent.organization_id'),
    )
    .select([
      'agent_token.id as agentTokenId',
      'agent_token.expires_at as expiresAt',
      'agent.id as agentId',
      'agent.owner_id as ownerId',
      'agent.organization_id as organizationId',
      'agent.permissions',
      'agent.trust_level as trustLevel',
      'agent.disabled_at as disabledAt',
      'user.suspended_at as suspendedAt',
      'user.deleted_at as deletedAt',
      'user.access_epoch as actorEpoch',
      'organization.agent_trust_limit as trustLimit',
      'organization.access_epoch as organizationEpoch',
      'project.access_epoch as projectEpoch',
    ])
    .where((on) => ('hash' in key ? on('agent_token.token_hash', '=', key.hash) : on('agent_token.id', '=', key.id)))
    .executeTakeFirst()
  if (row === undefined) return null
  const { suspendedAt, deletedAt, actorEpoch, organizationEpoch, ...access } = row
  return {
    ...access,
    isClosed: suspendedAt !== null || deletedAt !== null,
    version: `${actorEpoch}.${organizationEpoch ?? 'gone'}`,
  }
}

/** Agents of the viewer's organization by id. */
export const agentById = defineLoader<string, AgentRow>({
  name: 'agentById',
  batch: async (db, ids) => {
    const rows = await selectAgents(db).where('agent.id', 'in', ids).execute()
    return new Map(rows.map((row) => [row.id, agentRow(db, row)]))
  },
})

/** Finds an agent the viewer may see, disabled or not, or null. */
export async function findAgent(ctx: Context, id: string): Promise<AgentRow | null> {
  const agent = await load(ctx, agentById, id)
  return agent !== null && may(ctx, 'agent.read', agent) ? agent : null
}

/** All agents of the viewer's organization, disabled ones too, newest first. */
export async function listAgents(ctx: Context, window: Window): Promise<AgentRow[]> {
  if (!may(ctx, 'agent.read')) return []
  const rows = await keyset(selectAgents(ctx.db), ['agent.id'], 'desc', window).execute()
  return rows.map((row) => agentRow(ctx.db, row))
}

/** How many `listAgents` has in all. */
export async function countAgents(ctx: Context): Promise<number> {
  if (!may(ctx, 'agent.read')) return 0
  const counted = ctx.db.from('agent').select((on) => on.fn.countAll<number>().as('count'))
  return (await counted.executeTakeFirstOrThrow()).count
}

/** An agent with what the reader is to it: its owner does with it what administrators do with all. */
export function agentRow(reader: Reader, row: Omit<AgentRow, keyof Standing | 'actorType'>): AgentRow {
  const { role, userId } = reader
  return { ...row, actorType: 'Agent', viewerRole: row.ownerId === userId ? ownersRole(role) : role, isArchived: false }
}

function ownersRole(role: Role | null): Role | null {
  return role === null || isAtLeast(role, 'ADMIN') ? role : 'ADMIN'
}

/** What is shown of an agent. */
export const agentColumns = [
  'agent.id',
  'agent.owner_id as ownerId',
  'agent.display_name as displayName',
  'agent.avatar_url as avatarUrl',
  'agent.kind',
  'agent.trust_level as trustLevel',
  'agent.permissions',
  'agent.version',
  'agent.created_at as createdAt',
  'agent.disabled_at as disabledAt',
] as const

function selectAgents(db: TenantReads) {
  return db.from('agent').select(agentColumns)
}
