import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Context } from '../../../platform/context.ts'
import { transact } from '../../../platform/database/transact.ts'
import { audit } from '../../audit/audit.service.ts'
import { noticeMail } from '../passwords/notice.jobs.ts'
import type { UserRow } from '../users/user.reads.ts'
import { tellViewer } from '../users/viewer.events.ts'
import { spendAllTokens } from '../verification/mail-link.service.ts'
import { getAccount } from './administration.service.ts'
import { holdAccount, OwnAdministration, requireAdministrator } from './platform-admin.service.ts'

/**
 * Suspends an account: whatever credential it has is refused from the commit on, and what is open ends within 2 s. Nothing
 * is revoked, so that `reinstateUser` lets its devices go on. Suspending a suspended one changes nothing.
 * @throws {OwnAdministration}
 */
export async function suspendUser(ctx: Context, id: string, reason: string | null): Promise<UserRow> {
  const target = encodeTypeId('user', id)
  if (requireAdministrator(ctx, 'user.suspend', target).userId === id)
    throw new OwnAdministration('user.suspend', target)
  return setSuspension(ctx, { id, action: 'user.suspend', reason })
}

/** Lets a suspended account in again, with the sessions it had, as far as they have not expired. */
export async function reinstateUser(ctx: Context, id: string): Promise<UserRow> {
  return setSuspension(ctx, { id, action: 'user.reinstate', reason: null })
}

interface Suspension {
  readonly id: string
  readonly action: 'user.suspend' | 'user.reinstate'
  readonly reason: string | null
}

async function setSuspension(ctx: Context, { id, action, reason }: Suspension): Promise<UserRow> {
  const target = encodeTypeId('user', id)
  const viewer = requireAdministrator(ctx, action, target)
  await transact(ctx, async (tx) => {
    const { email, suspendedAt } = await holdAccount(tx, viewer, id, action)
    audit(ctx, tx, { action, target, as: { userId: viewer.userId, organizationId: null } })
    const isSuspension = action === 'user.suspend'
    if ((suspendedAt !== null) === isSuspension) return
    await tx.unscoped
      .updateTable('user')
      .set({ suspended_at: isSuspension ? tx.now : null, updated_at: tx.now })
      .where('id', '=', id)
      .execute()
    // A link that was mailed before would set a password all the same.
    if (isSuspension) await spendAllTokens(tx, id)
    await tellViewer(tx, id, { type: 'ViewerUpdated' })
    await tx.enqueue(noticeMail, {
      to: email,
      notice: isSuspension ? 'ACCOUNT_SUSPENDED' : 'ACCOUNT_REINSTATED',
      reason,
    })
  })
  return getAccount(ctx, id)
}
