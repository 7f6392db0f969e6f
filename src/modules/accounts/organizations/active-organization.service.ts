import { randomBytes } from 'node:crypto'
import { personalWorkspace } from '../../../lib/personal-workspace.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { Membership } from '../memberships/membership.entity.ts'
import { Organization } from './organization.entity.ts'

/** What an organization begins with. */
export interface NewOrganization {
  readonly name: string
  readonly slug: string
  /** Becomes its owner. */
  readonly userId: string
}

/** Makes an organization with its owner and answers its id; the flush throws when its slug is taken. */
export function foundOrganization(tx: Transaction, { name, slug, userId }: NewOrganization): string {
  const organizationId = newUuid(tx.now)
  tx.em.create(Organization, {
    id: organizationId,
    name,
    slug,
    tier: 'FREE',
    settings: {},
    agentTrustLimit: 'WRITE',
    accessEpoch: 0,
    version: 1,
    createdAt: tx.now,
    deletedAt: null,
  })
  tx.em.create(Membership, {
    id: newUuid(tx.now),
    organization: organizationId,
    user: userId,
    role: 'OWNER',
    joinedAt: tx.now,
  })
  return organizationId
}

/** Makes the organization that a person has to themselves; flush before anything refers to it. */
export function createPersonalOrganization(tx: Transaction, userId: string, displayName: string): string {
  return foundOrganization(tx, { ...personalWorkspace(displayName, randomBytes(5).toString('hex')), userId })
}

/**
 * Where a person acts: in the organization they want if they are a member of it, else in the living one they joined first;
 * whoever is in none any more gets a personal one. Under the lock of their row, so that no two are made.
 */
export async function organizationToActIn(
  tx: Transaction,
  userId: string,
  wanted: string | null = null,
): Promise<string> {
  const rows = await tx.unscoped
    .selectFrom('membership')
    .innerJoin('organization', 'organization.id', 'membership.organization_id')
    .select('organization.id')
    .where('membership.user_id', '=', userId)
    .where('organization.deleted_at', 'is', null)
    .orderBy((on) => on('organization.id', '=', wanted ?? userId), 'desc')
    .orderBy('membership.joined_at')
    .orderBy('membership.id')
    .limit(1)
    .execute()
  if (rows[0] !== undefined) return rows[0].id
  const { displayName } = await tx.unscoped
    .selectFrom('user')
    .select('display_name as displayName')
    .where('id', '=', userId)
    .executeTakeFirstOrThrow()
  const id = createPersonalOrganization(tx, userId, displayName)
  await tx.em.flush()
  return id
}

/** Whether a person is a member of an organization that lives. */
export async function isLivingMember(tx: Transaction, userId: string, organizationId: string): Promise<boolean> {
  const row = await tx.unscoped
    .selectFrom('membership')
    .innerJoin('organization', 'organization.id', 'membership.organization_id')
    .select('organization.id')
    .where('membership.user_id', '=', userId)
    .where('membership.organization_id', '=', organizationId)
    .where('organization.deleted_at', 'is', null)
    .executeTakeFirst()
  return row !== undefined
}
