import { encodeTypeId } from '../../lib/typeid.ts'
import { type Context, organizationOf, type Viewer } from '../../platform/context.ts'
import { type Transaction, transact } from '../../platform/database/transact.ts'
import { newUuid } from '../../platform/uuid.ts'
import { AuditEvent } from './audit-event.entity.ts'

/** What is written down about one deed. */
export interface AuditEntry {
  /** As policies name it: `page.create`, `session.login`. */
  readonly action: string
  /** The TypeID of what it was done to. */
  readonly target: string | null
  readonly outcome?: 'allowed' | 'denied'
  /**
   * For deeds that are not the viewer's, whoever that is: a registration, a login. A null `userId` says that it is not
   * known who it was; a null `organizationId`, that it concerns none.
   */
  readonly as?: { readonly userId: string | null; readonly organizationId: string | null }
}

/** Writes the deed into the trail, as part of the change's own transaction. */
export function audit(ctx: Pick<Context, 'viewer' | 'request'>, tx: Transaction, entry: AuditEntry): void {
  const userId = entry.as === undefined ? userOf(ctx.viewer) : entry.as.userId
  tx.em.create(AuditEvent, {
    id: newUuid(tx.now),
    organizationId: entry.as === undefined ? organizationOf(ctx.viewer) : entry.as.organizationId,
    actor: userId === null ? null : encodeTypeId('user', userId),
    action: entry.action,
    target: entry.target,
    outcome: entry.outcome ?? 'allowed',
    address: ctx.request.address,
    requestId: ctx.request.id,
    at: tx.now,
  })
}

/** Writes a refusal in a transaction of its own, since the one it happened in has rolled back. */
export async function auditDenial(ctx: Context, action: string, target: string | null): Promise<void> {
  await transact(ctx, async (tx) => audit(ctx, tx, { action, target, outcome: 'denied' }))
}

function userOf(viewer: Viewer): string | null {
  return viewer.kind === 'anonymous' ? null : viewer.userId
}
