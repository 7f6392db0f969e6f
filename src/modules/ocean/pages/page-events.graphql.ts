import { builder } from '../../../graphql/builder.ts'
import { uuidOf } from '../../../graphql/ids.ts'
import { follow, ResyncRequiredRef, type StreamControl, SubscriptionEndedRef } from '../../../graphql/subscription.ts'
import { requireViewer } from '../../../platform/gate.ts'
import { BlockNode } from '../blocks/block.graphql.ts'
import { findBlock } from '../blocks/block.reads.ts'
import { pageChannel, pageChannelEvent } from './page.events.ts'
import { PageType } from './page.graphql.ts'
import { findPage } from './page.reads.ts'
import { getPage } from './page.service.ts'

type PageEvent =
  | (NonNullable<ReturnType<typeof pageChannelEvent>> & { readonly cursor: string; readonly pageId: string })
  | StreamControl

const BlockCreatedRef = builder.objectRef<Extract<PageEvent, { type: 'BlockCreated' }>>('BlockCreated').implement({
  description: 'A block was added to the page.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: 'The place of this event; go on from it with `after`.' }),
    block: t.field({
      type: BlockNode,
      nullable: true,
      description: 'The block as it is now; null when it is gone again.',
      resolve: (event, _args, ctx) => findBlock(ctx, event.blockId),
    }),
  }),
})

const PageUpdatedRef = builder.objectRef<Extract<PageEvent, { type: 'PageUpdated' }>>('PageUpdated').implement({
  description: 'The page itself changed: it was moved, for one.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: 'The place of this event; go on from it with `after`.' }),
    page: t.field({
      type: PageType,
      nullable: true,
      description: 'The page as it is now; null when it is gone.',
      resolve: (event, _args, ctx) => findPage(ctx, event.pageId),
    }),
  }),
})

const PageEventRef = builder.unionType('PageEvent', {
  description: 'What can happen on a page while you watch it.',
  types: [PageUpdatedRef, BlockCreatedRef, ResyncRequiredRef, SubscriptionEndedRef],
  resolveType: (event) => event.type,
})

// Subscription.pageEvents
builder.subscriptionField('pageEvents', (t) =>
  t.field({
    type: PageEventRef,
    description:
      'What happens on a page, in order, each event once. Keep the newest cursor; send it as `after` when you reconnect.',
    authScopes: { authenticated: true },
    args: {
      pageId: t.arg.id({ required: true, description: 'The page to watch.' }),
      after: t.arg({
        type: 'Cursor',
        description: 'Go on after this event, or after `Page.eventsCursor`; from now on when left out.',
      }),
    },
    subscribe: async (_root, args, ctx) => {
      const pageId = uuidOf('Page', args.pageId)
      await getPage(ctx, pageId, 'page.read')
      return follow(ctx, {
        channel: pageChannel(requireViewer(ctx).organizationId, pageId),
        after: args.after,
        gate: (fresh) => getPage(fresh, pageId, 'page.read'),
        toEvent: (event, cursor) => {
          const known = pageChannelEvent(event)
          return known === null ? null : { ...known, cursor, pageId }
        },
        isMove: ({ type }) => type === 'PageUpdated',
      }) as unknown as AsyncIterable<PageEvent>
    },
    resolve: (event) => event,
  }),
)
