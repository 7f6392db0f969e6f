import { encodeTypeId } from '../../../lib/typeid.ts'
import { isAllowed } from '../../../platform/access.ts'
import { becomeViewer, type Context, type UserViewer } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { EditConflict, NotFound } from '../../../platform/errors.ts'
import { requirePerson } from '../../../platform/gate.ts'
import { load } from '../../../platform/loaders.ts'
import { audit } from '../../audit/audit.service.ts'
import { currentViewer } from '../devices/authentication.service.ts'
import { demandLiving, lockUser } from '../devices/device-session.service.ts'
import { tellOrganization } from './organization.events.ts'
import { type OrganizationRow, organizationById } from './organization.reads.ts'
import { getOrganization } from './organization.service.ts'

const DAY_MILLIS = 86_400_000
/** How long a deleted organization can be restored. */
export const GRACE_DAYS = 30

/** What to delete. */
export interface DeleteOrganization {
  readonly id: string
  /** Null: whatever it is now. */
  readonly expectedVersion: number | null
}

/** What was deleted, and until when it can be had back. */
export interface DeletedOrganization {
  readonly id: string
  readonly restorableUntil: Date
}

/**
 * Deletes the active organization: everybody is out at once, on all nodes, and what they have open ends. An owner can
 * restore it for 30 days; then it is purged.
 * @throws {NotFound | Forbidden | EditConflict}
 */
export async function deleteOrganization(
  ctx: Context,
  { id, expectedVersion }: DeleteOrganization,
): Promise<DeletedOrganization> {
  const target = encodeTypeId('organization', id)
  const viewer = requirePerson(ctx, 'organization.delete', target)
  await getOrganization(ctx, id, 'organization.delete')
  const deletedAt = await transact(ctx, async (tx) => {
    await lockUser(tx, viewer.userId)
    await demandLiving(tx, viewer)
    await demandOwner(tx, viewer, id, { action: 'organization.delete', isDeleted: false })
    await setDeletedAt(tx, id, tx.now, expectedVersion)
    audit(ctx, tx, { action: 'organization.delete', target })
    return tx.now
  })
  // The rest of the document is of somebody who acts nowhere any more.
  becomeViewer(ctx, await currentViewer(ctx.platform, ctx.viewer))
  return { id, restorableUntil: new Date(deletedAt.getTime() + GRACE_DAYS * DAY_MILLIS) }
}

/** Takes the deletion of an organization back, for an owner of it who acts in another one. @throws {NotFound} */
export async function restoreOrganization(ctx: Context, id: string): Promise<OrganizationRow> {
  const target = encodeTypeId('organization', id)
  const viewer = requirePerson(ctx, 'organization.restore', target)
  await transact(ctx, async (tx) => {
    await lockUser(tx, viewer.userId)
    await demandLiving(tx, viewer)
    await demandOwner(tx, viewer, id, { action: 'organization.restore', isDeleted: true })
    await setDeletedAt(tx, id, null)
    const as = { userId: viewer.userId, organizationId: id }
    audit(ctx, tx, { action: 'organization.restore', target, as })
  })
  const row = await load(ctx, organizationById, id)
  if (row === null) throw new NotFound('organization', 'organization.restore', target)
  return row
}

/** Organizations whose deletion is this old can no longer be restored. */
export function restorableSince(now: Date): Date {
  return new Date(now.getTime() - GRACE_DAYS * DAY_MILLIS)
}

/** Holds the organization's row, and demands that it is as it should be and the viewer's. */
async function demandOwner(
  tx: Transaction,
  viewer: UserViewer,
  id: string,
  { action, isDeleted }: { action: 'organization.delete' | 'organization.restore'; isDeleted: boolean },
): Promise<void> {
  const row = await tx.unscoped
    .selectFrom('organization')
    .innerJoin('membership', 'membership.organization_id', 'organization.id')
    .select(['membership.role', 'organization.deleted_at as deletedAt'])
    .where('organization.id', '=', id)
    .where('membership.user_id', '=', viewer.userId)
    .forNoKeyUpdate('organization')
    .executeTakeFirst()
  const isFit = isDeleted
    ? row?.deletedAt != null && row.deletedAt > restorableSince(tx.now)
    : row !== undefined && row.deletedAt === null
  if (row === undefined || !isFit || !isAllowed(viewer, action, { viewerRole: row.role, isArchived: false }))
    throw new NotFound('organization', action, encodeTypeId('organization', id))
}

async function setDeletedAt(
  tx: Transaction,
  id: string,
  deletedAt: Date | null,
  expectedVersion: number | null = null,
): Promise<void> {
  const update = tx.unscoped
    .updateTable('organization')
    .set((on) => ({ deleted_at: deletedAt, version: on('version', '+', 1) }))
    .where('id', '=', id)
  const one = expectedVersion === null ? update : update.where('version', '=', expectedVersion)
  const { numUpdatedRows } = await one.executeTakeFirst()
  if (numUpdatedRows === 0n) throw new EditConflict(encodeTypeId('organization', id))
  await tellOrganization(tx, id)
}
