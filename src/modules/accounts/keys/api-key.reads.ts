import type { Kysely } from 'kysely'
import { NIL } from 'uuid'
import type { Context } from '../../../platform/context.ts'
import { keyset, type Window } from '../../../platform/database/keyset.ts'
import type { Tables } from '../../../platform/database/tables.ts'

/** A key as its owner sees it; the secret is shown once and kept nowhere. */
export interface ApiKeyRow {
  readonly id: string
  readonly name: string
  readonly prefix: string
  readonly permissions: readonly string[]
  readonly createdAt: Date
  readonly lastUsedAt: Date | null
  readonly expiresAt: Date | null
  readonly rotatedAt: Date | null
  readonly revokedAt: Date | null
}

/** What is known of a key by one of its secrets, whether or not it still counts. */
export interface KeyAccess {
  readonly apiKeyId: string
  readonly userId: string
  readonly organizationId: string
  readonly permissions: readonly string[]
  readonly lastUsedAt: Date | null
  readonly revokedAt: Date | null
  readonly expiresAt: Date | null
  /** When this secret ends because a newer one took its place; null for the newest. */
  readonly replacedUntil: Date | null
  /** Whether its person's account is suspended or deleted. */
  readonly isClosed: boolean
  /** The access epochs of the person and the organization. */
  readonly version: string
  /** That of the project asked about, in that organization; null when none was. */
  readonly projectEpoch: number | null
}

/**
 * What a secret is good for, by its hash; null for one that never was. One statement, asked of the database at each use:
 * no cache can know of a revocation in time.
 */
export async function accessOfKey(
  unscoped: Kysely<Tables>,
  secretHash: string,
  projectId: string | null,
): Promise<KeyAccess | null> {
  const row = await unscoped
    .selectFrom('api_key')
    .innerJoin('user', 'user.id', 'api_key.user_id')
    .leftJoin('organization', (join) =>
      join.onRef('organization.id', '=', 'api_key.organization_id').on('organization.deleted_at', 'is', null),
    )
    .leftJoin('project', (join) =>
      join.on('project.id', '=', projectId).onRef('project.organization_id', '=', 'api_key.organization_id'),
    )
    .select([
      'api_key.id as apiKeyId',
      'api_key.user_id as userId',
      'api_key.organization_id as organizationId',
      'api_key.secret_hash as secretHash',
      'api_key.previous_until as previousUntil',
      'api_key.permissions',
      'api_key.last_used_at as lastUsedAt',
      'api_key.revoked_at as revokedAt',
      'api_key.expires_at as expiresAt',
      'user.suspended_at as suspendedAt',
      'user.deleted_at as deletedAt',
      'user.access_epoch as actorEpoch',
      'organization.access_epoch as organizationEpoch',
      'project.access_epoch as projectEpoch',
    ])
    .where((on) => on.or([on('api_key.secret_hash', '=', secretHash), on('api_key.previous_hash', '=', secretHash)]))
    .executeTakeFirst()
  if (row === undefined) return null
  const { secretHash: newest, previousUntil, suspendedAt, deletedAt, actorEpoch, organizationEpoch, ...access } = row
  return {
    ...access,
    replacedUntil: newest === secretHash ? null : previousUntil,
    isClosed: suspendedAt !== null || deletedAt !== null,
    version: `${actorEpoch}.${organizationEpoch ?? 'gone'}`,
  }
}

const columns = [
  'api_key.id',
  'api_key.name',
  'api_key.prefix',
  'api_key.permissions',
  'api_key.created_at as createdAt',
  'api_key.last_used_at as lastUsedAt',
  'api_key.expires_at as expiresAt',
  'api_key.rotated_at as rotatedAt',
  'api_key.revoked_at as revokedAt',
] as const

/** Finds a key of the viewer's own in the active organization, ended or not; null for anybody else's. */
export async function findApiKey(ctx: Context, id: string): Promise<ApiKeyRow | null> {
  return (await ownKeys(ctx).select(columns).where('api_key.id', '=', id).executeTakeFirst()) ?? null
}

/** The viewer's own keys in the active organization that were not revoked, newest first. */
export function listApiKeys(ctx: Context, window: Window): Promise<ApiKeyRow[]> {
  return keyset(unrevokedKeys(ctx).select(columns), ['api_key.id'], 'desc', window).execute()
}

/** How many `listApiKeys` has in all. */
export async function countApiKeys(ctx: Context): Promise<number> {
  const { count } = await unrevokedKeys(ctx)
    .select((on) => on.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

function unrevokedKeys(ctx: Context) {
  return ownKeys(ctx).where('api_key.revoked_at', 'is', null)
}

/** A key sees no keys, itself neither: it is for its work alone. */
function ownKeys({ db, viewer }: Context) {
  return db.from('api_key').where('api_key.user_id', '=', viewer.kind === 'user' ? viewer.userId : NIL)
}
