import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { type KeysetConnection, keysetConnection } from '../../../graphql/connection.ts'
import { ResyncRequiredRef, type StreamControl, SubscriptionEndedRef } from '../../../graphql/stream-control.ts'
import { follow } from '../../../graphql/subscription.ts'
import { decodeTypeId } from '../../../lib/typeid.ts'
import type { Context } from '../../../platform/context.ts'
import { Forbidden } from '../../../platform/errors.ts'
import { requireAction } from '../../../platform/gate.ts'
import { auditChannel, auditChannelEvent } from '../../audit/audit-event.events.ts'
import {
  type AuditEventRow,
  type AuditFilter,
  auditEventsCursor,
  auditKeyOf,
  countAuditEvents,
  findAuditEvent,
  getAuditEvent,
  listAuditEvents,
} from '../../audit/audit-event.reads.ts'
import { ActorInterface } from '../users/user.graphql.ts'
import { findAuthor } from '../users/user.reads.ts'

const OutcomeRef = builder.enumType('AuditOutcome', {
  description: 'What came of it.',
  values: {
    ALLOWED: { value: 'allowed', description: 'It was done.' },
    DENIED: { value: 'denied', description: 'It was refused, and changed nothing.' },
  } as const,
})

/** An event of the audit trail. */
export const AuditEventNode = builder.node(builder.objectRef<AuditEventRow>('AuditEvent'), {
  description: 'Something that was done in the organization, or refused. Never changed and never deleted.',
  authScopes: { action: 'audit.read' },
  id: { description: 'Opaque, typed and sortable: `audit_event_01jd…`.', resolve: (event) => event.id },
  loadOne: (id, ctx) => findAuditEvent(ctx, id),
  fields: (t) => ({
    actor: t.field({
      type: ActorInterface,
      nullable: true,
      description:
        'Who did it, a person or an agent, member or not; null when that is not known, and for an API key, whose person is `onBehalfOf`.',
      resolve: ({ actor }, _args, ctx) => actorOf(ctx, actor),
    }),
    actorId: t.exposeID('actor', { nullable: true, description: 'Their id as it was written down.' }),
    onBehalfOf: t.exposeID('onBehalfOf', {
      nullable: true,
      description: 'The id of whom they did it for, where that is somebody else.',
    }),
    action: t.exposeString('action', { description: 'What was done: `page.create`, `session.login`.' }),
    targetId: t.exposeID('target', { nullable: true, description: 'The id of what it was done to, if to anything.' }),
    outcome: t.field({ type: OutcomeRef, description: 'Whether it was done.', resolve: (event) => event.outcome }),
    ipAddress: t.exposeString('address', { nullable: true, description: 'The network address it came from.' }),
    requestId: t.exposeString('requestId', { description: 'The request it was done by, as errors and logs name it.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
  }),
})

function actorOf(ctx: Context, actor: string | null) {
  const decoded = actor === null ? null : decodeTypeId(actor)
  return decoded?.prefix === 'user' || decoded?.prefix === 'agent' ? findAuthor(ctx, decoded.uuid) : null
}

const AuditEventFilterInput = builder.inputType('AuditEventFilter', {
  description: 'Narrows the audit trail: only what meets every condition.',
  fields: (t) => ({
    actorId: t.id({ description: 'Only what they did.' }),
    action: t.string({ description: 'Only this action: `page.create`.' }),
    targetId: t.id({ description: 'Only what was done to it.' }),
    since: t.field({ type: 'DateTime', description: 'Only what was done at this moment or later.' }),
    until: t.field({ type: 'DateTime', description: 'Only what was done before this moment.' }),
  }),
})

/** What no event was ever written with, in place of what is no id or action: the database cannot be asked for some texts. */
const NOTHING = ''
const ACTION = /^[a-z_]{1,40}\.[a-z_]{1,40}$/

function filterOf(filter: typeof AuditEventFilterInput.$inferInput | null | undefined): AuditFilter {
  const id = (text: string | null | undefined) =>
    text === null || text === undefined ? null : decodeTypeId(text) === null ? NOTHING : text
  const action = filter?.action ?? null
  return {
    actor: id(filter?.actorId),
    action: action === null || ACTION.test(action) ? action : NOTHING,
    target: id(filter?.targetId),
    since: filter?.since ?? null,
    until: filter?.until ?? null,
  }
}

const placeKey: z.ZodType<readonly string[]> = z.tuple([z.iso.datetime(), z.uuid()])

// Query.auditEvents
builder.queryField('auditEvents', (t) =>
  t.connection(
    {
      type: AuditEventNode,
      description: 'What was done in the active organization, or refused, newest first. For administrators.',
      authScopes: { action: 'audit.read' },
      args: { filter: t.arg({ type: AuditEventFilterInput, description: 'Which of it; all when left out.' }) },
      resolve: async (_root, args, ctx) => {
        const filter = filterOf(args.filter)
        // Before the rows: what is recorded in between is heard of again rather than never.
        const eventsCursor = await auditEventsCursor(ctx)
        const connection = await keysetConnection({
          args,
          keySchema: placeKey,
          rows: (window) => listAuditEvents(ctx, filter, window),
          keyOf: auditKeyOf,
          count: () => countAuditEvents(ctx, filter),
        })
        return { ...connection, eventsCursor }
      },
    },
    {
      name: 'AuditEventConnection',
      description: 'A page of the audit trail.',
      fields: (t) => ({
        eventsCursor: t.field({
          type: 'Cursor',
          description: 'Where live events stood: `auditEventRecorded(after:)` goes on from here without a gap.',
          resolve: (connection) => (connection as KeysetConnection<AuditEventRow> & EventsCursor).eventsCursor,
        }),
      }),
    },
    { name: 'AuditEventEdge', description: 'An event and its place in the trail.' },
  ),
)

interface EventsCursor {
  readonly eventsCursor: string
}

type AuditStreamEvent =
  | (NonNullable<ReturnType<typeof auditChannelEvent>> & { readonly cursor: string })
  | StreamControl

const AuditEventRecordedRef = builder
  .objectRef<Extract<AuditStreamEvent, { type: 'AuditEventRecorded' }>>('AuditEventRecorded')
  .implement({
    description: 'Something was done or refused, and is now sealed in the audit trail.',
    fields: (t) => ({
      cursor: t.expose('cursor', {
        type: 'Cursor',
        description: 'The place of this event; go on from it with `after`.',
      }),
      auditEvent: t.field({
        type: AuditEventNode,
        description: 'What it was.',
        resolve: (event, _args, ctx) => getAuditEvent(ctx, event.auditEventId),
      }),
    }),
  })

const AuditStreamEventRef = builder.unionType('AuditStreamEvent', {
  description: 'What can happen to the audit trail while you watch it.',
  types: [AuditEventRecordedRef, ResyncRequiredRef, SubscriptionEndedRef],
  resolveType: (event) => event.type,
})

// Subscription.auditEventRecorded
builder.subscriptionField('auditEventRecorded', (t) =>
  t.field({
    type: AuditStreamEventRef,
    description:
      'What is done in the active organization, or refused, within about a second. For administrators. Keep the newest cursor; send it as `after` when you reconnect.',
    authScopes: { action: 'audit.read' },
    args: {
      after: t.arg({
        type: 'Cursor',
        description: 'Go on after this event, or after `AuditEventConnection.eventsCursor`; from now on when left out.',
      }),
    },
    subscribe: (_root, { after }, ctx) => {
      const { organizationId } = requireAction(ctx, 'audit.read')
      return follow(ctx, {
        channel: auditChannel(organizationId),
        after,
        gate: async (fresh) => {
          if (requireAction(fresh, 'audit.read').organizationId !== organizationId) throw new Forbidden('audit.read')
          return { projectId: null }
        },
        toEvent: (event, cursor) => {
          const known = auditChannelEvent(event)
          return known === null ? null : { ...known, cursor }
        },
      }) as unknown as AsyncIterable<AuditStreamEvent>
    },
    resolve: (event) => event,
  }),
)
