import { addressGroup } from '../../lib/address-group.ts'
import { encodeTypeId } from '../../lib/typeid.ts'
import { type Context, organizationOf, type Viewer } from '../../platform/context.ts'
import { type Transaction, transact } from '../../platform/database/transact.ts'
import { RateLimited } from '../../platform/errors.ts'
import type { RateLimit } from '../../platform/rate-limit.ts'
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

/** Who did it, and by which request. */
export type Actor = Pick<Context, 'viewer' | 'request'>

/** Writes the deed into the trail, as part of the change's own transaction. */
export function audit(ctx: Actor, tx: Transaction, entry: AuditEntry): void {
  tx.em.create(AuditEvent, eventOf(ctx, tx.now, entry))
}

/** Writes many deeds of one kind in one statement, on the transaction they are done in. */
export async function auditEach(
  ctx: Actor,
  tx: Pick<Transaction, 'unscoped' | 'now'>,
  entries: readonly AuditEntry[],
): Promise<void> {
  const rows = entries.map((entry) => {
    const { organizationId, onBehalfOf, requestId, ...event } = eventOf(ctx, tx.now, entry)
    return { ...event, organization_id: organizationId, on_behalf_of: onBehalfOf, request_id: requestId }
  })
  if (rows.length > 0) await tx.unscoped.insertInto('audit_event').values(rows).execute()
}

/** How many refusals to those who are let in no more are written down in a minute of one address; others leave no trace. */
export const denials: RateLimit = { name: 'credential-denied', points: 10, windowSeconds: 60 }

/**
 * Writes a refusal in a transaction of its own, since the one it happened in has rolled back. Of those who are let in no
 * more at most `denials`: else an old token could fill the trail.
 */
export async function auditDenial(ctx: Context, action: string, target: string | null): Promise<void> {
  const { viewer, platform, request } = ctx
  const as = viewer.kind === 'anonymous' ? viewer.known : undefined
  try {
    if (viewer.kind === 'anonymous') await platform.limits.consume(denials, addressGroup(request.address))
  } catch (error) {
    // A refusal stays one, also where it cannot be written down.
    if (!(error instanceof RateLimited))
      platform.log.warn({ err: error, requestId: request.id }, 'a refused deed left no trace')
    return
  }
  await transact(ctx, async (tx) => audit(ctx, tx, { action, target, outcome: 'denied', ...(as && { as }) }))
}

function eventOf(ctx: Actor, now: Date, entry: AuditEntry) {
  return {
    id: newUuid(now),
    organizationId: entry.as === undefined ? organizationOf(ctx.viewer) : entry.as.organizationId,
    ...(entry.as === undefined ? doerOf(ctx.viewer) : personOf(entry.as.userId)),
    action: entry.action,
    target: entry.target,
    outcome: entry.outcome ?? 'allowed',
    address: ctx.request.address,
    requestId: ctx.request.id,
    at: now,
  }
}

/** Who acted, in whose name: programs have names of their own. */
function doerOf(viewer: Viewer): Pick<AuditEvent, 'actor' | 'onBehalfOf'> {
  switch (viewer.kind) {
    case 'anonymous':
      return personOf(null)
    case 'user':
      return personOf(viewer.userId)
    case 'api_key':
      return { actor: encodeTypeId('api_key', viewer.apiKeyId), onBehalfOf: encodeTypeId('user', viewer.userId) }
    case 'agent':
      return { actor: encodeTypeId('agent', viewer.agentId), onBehalfOf: encodeTypeId('user', viewer.userId) }
  }
}

function personOf(userId: string | null): Pick<AuditEvent, 'actor' | 'onBehalfOf'> {
  return { actor: userId === null ? null : encodeTypeId('user', userId), onBehalfOf: null }
}
