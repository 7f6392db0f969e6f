import { type SelectQueryBuilder, sql } from 'kysely'
import { beforeAnyLog, encodeCursor } from '../../lib/cursor.ts'
import type { Context } from '../../platform/context.ts'
import { keyset, type Window } from '../../platform/database/keyset.ts'
import type { Tables } from '../../platform/database/tables.ts'
import type { TenantReads } from '../../platform/database/tenant-reads.ts'
import { NotFound } from '../../platform/errors.ts'
import { may, requireAction } from '../../platform/gate.ts'
import { defineLoader, load } from '../../platform/loaders.ts'
import { auditChannel } from './audit-event.events.ts'

/** An event of the trail as the graph shows it. */
export interface AuditEventRow {
  readonly id: string
  /** TypeIDs as they were written: what they name may be long gone. */
  readonly actor: string | null
  readonly onBehalfOf: string | null
  readonly action: string
  readonly target: string | null
  readonly outcome: 'allowed' | 'denied'
  readonly address: string | null
  readonly requestId: string
  readonly at: Date
}

/** Which events a list is of; null is no condition, and what was never written matches nothing. */
export interface AuditFilter {
  readonly actor: string | null
  readonly action: string | null
  readonly target: string | null
  /** From this moment on. */
  readonly since: Date | null
  /** Before this moment. */
  readonly until: Date | null
}

const columns = [
  'audit_event.id',
  'audit_event.actor',
  'audit_event.on_behalf_of as onBehalfOf',
  'audit_event.action',
  'audit_event.target',
  'audit_event.outcome',
  'audit_event.address',
  'audit_event.request_id as requestId',
  'audit_event.at',
] as const

const auditEventById = defineLoader<string, AuditEventRow>({
  name: 'auditEventById',
  batch: async (db, ids) => {
    const rows = await ofOrganization(db).select(columns).where('audit_event.id', 'in', ids).execute()
    return new Map(rows.map((row) => [row.id, row]))
  },
})

/** Finds an event of the active organization's trail, or null. */
export async function findAuditEvent(ctx: Context, id: string): Promise<AuditEventRow | null> {
  return may(ctx, 'audit.read') ? load(ctx, auditEventById, id) : null
}

/** An event of the active organization's trail. @throws {NotFound} */
export async function getAuditEvent(ctx: Context, id: string): Promise<AuditEventRow> {
  const event = await findAuditEvent(ctx, id)
  if (event === null) throw new NotFound('audit event', 'audit.read')
  return event
}

/** The trail of the active organization, newest first. @throws {Forbidden} */
export async function listAuditEvents(ctx: Context, filter: AuditFilter, window: Window): Promise<AuditEventRow[]> {
  requireAction(ctx, 'audit.read')
  const query = filtered(ofOrganization(ctx.db), filter).select(columns)
  return keyset(query, ['audit_event.at', 'audit_event.id'], 'desc', window).execute()
}

/** How many `listAuditEvents` has in all. @throws {Forbidden} */
export async function countAuditEvents(ctx: Context, filter: AuditFilter): Promise<number> {
  requireAction(ctx, 'audit.read')
  const query = filtered(ofOrganization(ctx.db), filter).select((on) => on.fn.countAll<number>().as('count'))
  return (await query.executeTakeFirstOrThrow()).count
}

/** The place of an event in the list. */
export function auditKeyOf({ at, id }: AuditEventRow): readonly string[] {
  return [at.toISOString(), id]
}

/** Where the live events of the active organization's trail stand: before a list is read, not after. @throws {Forbidden} */
export async function auditEventsCursor(ctx: Context): Promise<string> {
  const channel = auditChannel(requireAction(ctx, 'audit.read').organizationId)
  const head = await ctx.db
    .shared('channel_head')
    .select(['channel_head.epoch', 'channel_head.seq'])
    .where('channel_head.channel', '=', channel)
    .executeTakeFirst()
  return encodeCursor(channel, head ?? beforeAnyLog)
}

type Events = SelectQueryBuilder<Tables, 'audit_event', object>

// By hand: the trail also has events of no organization, so the table is none of those that `db.from` knows.
function ofOrganization(db: TenantReads): Events {
  const events: Events = db.shared('audit_event')
  return db.organizationId === null
    ? events.where(sql<boolean>`false`)
    : events.where('audit_event.organization_id', '=', db.organizationId)
}

function filtered(query: Events, { actor, action, target, since, until }: AuditFilter): Events {
  let events = query
  if (actor !== null) events = events.where('audit_event.actor', '=', actor)
  if (action !== null) events = events.where('audit_event.action', '=', action)
  if (target !== null) events = events.where('audit_event.target', '=', target)
  if (since !== null) events = events.where('audit_event.at', '>=', since)
  if (until !== null) events = events.where('audit_event.at', '<', until)
  return events
}
