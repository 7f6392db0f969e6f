import type { ObjectRef } from '@pothos/core'
import { builder, type SchemaTypes } from '../../../graphql/builder.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { encodeGlobalId } from '../../../graphql/ids.ts'
import {
  ResyncRequiredRef,
  type StreamControl,
  SubscriptionEndedRef,
  unknownEvent,
} from '../../../graphql/stream-control.ts'
import { followSource } from '../../../graphql/subscription.ts'
import type { Context } from '../../../platform/context.ts'
import { requirePerson, requireViewer } from '../../../platform/gate.ts'
import { CircuitChangedRef } from '../administration/circuit.graphql.ts'
import { DeviceSessionNode } from '../devices/device-session.graphql.ts'
import { findDeviceSession } from '../devices/device-session.reads.ts'
import type { OrganizationNews } from '../organizations/organization.events.ts'
import { ActorInterface } from './user.graphql.ts'
import { findUser } from './user.reads.ts'
import { type AlertKind, type ViewerChannelEvent, viewerChannelEvent } from './viewer.events.ts'
import { ViewerType } from './viewer.graphql.ts'
import { ViewerFeed, type ViewerFeedItem } from './viewer-feed.reads.ts'

/** News of the viewer's organization with their place. */
export interface ToldNews {
  readonly type: OrganizationNews['type']
  readonly cursor: string
}

/** One kind of news: its type in the graph, whose name is its own, and who is told of it. */
export interface ViewerNewsType {
  readonly ref: Pick<ObjectRef<PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>, unknown>, 'name'>
  readonly isFor: (ctx: Context) => boolean
}

/** All kinds of news: the modules that they are of add theirs. */
export const viewerNewsTypes: ViewerNewsType[] = []

type AnyType = ObjectRef<PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>, ViewerEvent>

type ViewerEvent =
  | (ViewerChannelEvent & { readonly cursor: string; readonly at: Date })
  | { readonly type: 'SessionExpiring'; readonly cursor: string; readonly expiresAt: Date }
  | ToldNews
  | StreamControl
type Of<Type extends ViewerEvent['type']> = Extract<ViewerEvent, { type: Type }>

const cursorDescription = 'The place of this event; go on from it with `after`.'

const kindDescriptions: Record<AlertKind, string> = {
  REFRESH_TOKEN_REUSED: 'A copy of a refresh token was used; the session it was of has ended.',
  NEW_DEVICE: 'Somebody signed in to the account on a device that was never used for it before.',
  PASSWORD_CHANGED: 'The password was changed.',
  PASSWORD_RESET: 'The password was set anew by a mailed link, and all devices were signed out.',
}

const AlertKindRef = builder.enumType('SecurityAlertKind', {
  description: 'What an alert is about.',
  values: describedValues(kindDescriptions),
})

const SecurityAlertRef = builder.objectRef<Of<'SecurityAlert'>>('SecurityAlert').implement({
  description: 'Something happened to the account that its owner should know.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: cursorDescription }),
    kind: t.field({ type: AlertKindRef, description: 'What happened.', resolve: (alert) => alert.kind }),
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    deviceSession: t.field({
      type: DeviceSessionNode,
      nullable: true,
      description: 'The session it happened to or through, if there is one.',
      resolve: ({ deviceSessionId }, _args, ctx) =>
        deviceSessionId === null ? null : findDeviceSession(ctx, deviceSessionId),
    }),
  }),
})

const DeviceSessionEndedRef = builder.objectRef<Of<'DeviceSessionEnded'>>('DeviceSessionEnded').implement({
  description: 'One of your devices was signed out.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: cursorDescription }),
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    deviceSession: t.field({
      type: DeviceSessionNode,
      nullable: true,
      description: 'Which; null when it is long forgotten.',
      resolve: ({ deviceSessionId }, _args, ctx) => findDeviceSession(ctx, deviceSessionId),
    }),
  }),
})

const ViewerUpdatedRef = builder.objectRef<Of<'ViewerUpdated'>>('ViewerUpdated').implement({
  description: 'Your profile, preferences or rights changed.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: cursorDescription }),
    viewer: t.field({
      type: ViewerType,
      description: 'You, as you are now.',
      resolve: (_event, _args, ctx) => requireViewer(ctx),
    }),
  }),
})

const ProjectEnteredRef = builder.objectRef<Of<'ProjectEntered'>>('ProjectEntered').implement({
  description: 'An owner of the organization added themselves to a private project that you are in.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: cursorDescription }),
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    projectId: t.id({
      description: 'The project.',
      resolve: ({ projectId }) => encodeGlobalId('Project', projectId),
    }),
    by: t.field({
      type: ActorInterface,
      nullable: true,
      description: 'Who; null when you no longer share an organization.',
      resolve: ({ userId }, _args, ctx) => findUser(ctx, userId),
    }),
  }),
})

const SessionExpiringRef = builder.objectRef<Of<'SessionExpiring'>>('SessionExpiring').implement({
  description: 'Refresh your tokens: what you have open ends 25 s after your access expires, which is in a minute.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: 'The place of the event before it.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When the newest access token expires.' }),
  }),
})

const ViewerEventRef = builder.unionType('ViewerEvent', {
  description: 'What can happen to your account, and to the organization you act in, while you watch.',
  // Once all modules have added theirs.
  types: () => [
    SecurityAlertRef,
    DeviceSessionEndedRef,
    ProjectEnteredRef,
    ViewerUpdatedRef,
    CircuitChangedRef,
    SessionExpiringRef,
    ...viewerNewsTypes.map(({ ref }) => ref as AnyType),
    ResyncRequiredRef,
    SubscriptionEndedRef,
  ],
  resolveType: (event) => (event as ViewerEvent).type,
})

// Subscription.viewerEvents
builder.subscriptionField('viewerEvents', (t) =>
  t.field({
    type: ViewerEventRef,
    description:
      'What happens to your account, on whatever device, in order, and what is otherwise in the organization you act in. Keep the newest cursor; send it as `after` when you reconnect.',
    authScopes: { authenticated: true },
    args: {
      after: t.arg({
        type: 'Cursor',
        description: 'Go on after this event, or after `Viewer.eventsCursor`; from now on when left out.',
      }),
    },
    subscribe: (_root, args, ctx) =>
      followSource<ViewerFeedItem>(ctx, {
        source: new ViewerFeed(ctx, args.after),
        gate: async (fresh) => {
          requirePerson(fresh, 'session.read')
          return { projectId: null }
        },
        isFor: (item, fresh) => item.kind !== 'news' || newsTypeOf(item)?.isFor(fresh) === true,
        toEvent: (item) => toEvent(ctx, item),
      }) as unknown as AsyncIterable<ViewerEvent>,
    resolve: (event) => event,
  }),
)

function newsTypeOf({ type }: Pick<ToldNews, 'type'>): ViewerNewsType | undefined {
  return viewerNewsTypes.find(({ ref }) => ref.name === type)
}

function toEvent(ctx: Context, item: ViewerFeedItem): ViewerEvent {
  if (item.kind === 'resync') return { type: 'ResyncRequired', cursor: item.cursor }
  if (item.kind === 'lapsing') return { type: 'SessionExpiring', cursor: item.cursor, expiresAt: item.at }
  if (item.kind === 'news') return { type: item.type, cursor: item.cursor }
  const known = viewerChannelEvent(item.event)
  if (known === null) return unknownEvent(ctx, item.event.type, item.cursor)
  return { ...known, cursor: item.cursor, at: item.event.recordedAt }
}
