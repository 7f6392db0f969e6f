import { builder } from '../../../graphql/builder.ts'
import { encodeGlobalId, uuidOf } from '../../../graphql/ids.ts'
import { ResyncRequiredRef, type StreamControl, SubscriptionEndedRef } from '../../../graphql/stream-control.ts'
import { follow } from '../../../graphql/subscription.ts'
import { requireViewer } from '../../../platform/gate.ts'
import { BlockNode } from '../blocks/block.graphql.ts'
import { findBlock } from '../blocks/block.reads.ts'
import { type PageChannelEvent, pageChannel, pageChannelEvent } from './page.events.ts'
import { PageType } from './page.graphql.ts'
import { findPage } from './page.reads.ts'
import { getPage } from './page.service.ts'

/** A channel's event with its place. */
type Placed<Event> = Event & { readonly cursor: string; readonly pageId: string }
type Of<Type extends PageChannelEvent['type']> = Placed<Extract<PageChannelEvent, { type: Type }>>
type PageEvent = Of<PageChannelEvent['type']> | StreamControl

const cursorDescription = 'The place of this event; go on from it with `after`.'

/** An event of one block that is shown as it is now. */
function blockEvent(name: 'BlockCreated' | 'BlockUpdated' | 'BlockMoved' | 'BlockConverted', description: string) {
  return builder.objectRef<Of<typeof name>>(name).implement({
    description,
    fields: (t) => ({
      cursor: t.field({ type: 'Cursor', description: cursorDescription, resolve: (event) => event.cursor }),
      blockId: t.id({ description: 'The block.', resolve: (event) => encodeGlobalId('Block', event.blockId) }),
      block: t.field({
        type: BlockNode,
        nullable: true,
        description: 'The block as it is now; null when it is gone again, or where you cannot see it.',
        resolve: (event, _args, ctx) => findBlock(ctx, event.blockId),
      }),
    }),
  })
}

const BlockCreatedRef = blockEvent('BlockCreated', 'A block was added to the page.')
const BlockUpdatedRef = blockEvent('BlockUpdated', 'The content of a block changed, or where it links to.')
const BlockConvertedRef = blockEvent('BlockConverted', 'A block became one of another type.')
const BlockMovedRef = blockEvent(
  'BlockMoved',
  'A block moved: within the page, to it, or away from it, which `block.page` tells. What stands in it moves with it, each block with an event of its own.',
)

const BlockDeletedRef = builder.objectRef<Of<'BlockDeleted'>>('BlockDeleted').implement({
  description: 'A block is gone. What stood in it is gone as well, each block with an event of its own.',
  fields: (t) => ({
    cursor: t.field({ type: 'Cursor', description: cursorDescription, resolve: (event) => event.cursor }),
    blockId: t.id({ description: 'The block.', resolve: (event) => encodeGlobalId('Block', event.blockId) }),
  }),
})

const BlockTextChangedRef = builder.objectRef<Of<'BlockTextChanged'>>('BlockTextChanged').implement({
  description:
    'The text of a block changed. Apply `update` to a Yjs document of the block’s `textState`, in any order and as often as you like; or show `block.text`.',
  fields: (t) => ({
    cursor: t.field({ type: 'Cursor', description: cursorDescription, resolve: (event) => event.cursor }),
    blockId: t.id({ description: 'The block.', resolve: (event) => encodeGlobalId('Block', event.blockId) }),
    update: t.expose('update', { type: 'Base64', description: 'What was changed, as a Yjs update.' }),
    textVersion: t.exposeInt('textVersion', { description: 'The `textVersion` the block has by it.' }),
    block: t.field({
      type: BlockNode,
      nullable: true,
      description: 'The block as it is now; null when it is gone again.',
      resolve: (event, _args, ctx) => findBlock(ctx, event.blockId),
    }),
  }),
})

const PageUpdatedRef = builder.objectRef<Of<'PageUpdated'>>('PageUpdated').implement({
  description:
    'The page itself changed: its title, its tags, its place, or that it was archived or restored; or what stands directly in it, or above it.',
  fields: (t) => ({
    cursor: t.field({ type: 'Cursor', description: cursorDescription, resolve: (event) => event.cursor }),
    page: t.field({
      type: PageType,
      nullable: true,
      description: 'The page as it is now; null when it is gone.',
      resolve: (event, _args, ctx) => findPage(ctx, event.pageId),
    }),
  }),
})

const PageDeletedRef = builder.objectRef<Of<'PageDeleted'>>('PageDeleted').implement({
  description: 'The page is gone, with all that stood on it and under it. `SubscriptionEnded` follows.',
  fields: (t) => ({
    cursor: t.field({ type: 'Cursor', description: cursorDescription, resolve: (event) => event.cursor }),
    pageId: t.id({ description: 'The page.', resolve: (event) => encodeGlobalId('Page', event.pageId) }),
  }),
})

const PageEventRef = builder.unionType('PageEvent', {
  description: 'What can happen on a page while you watch it.',
  types: [
    PageUpdatedRef,
    PageDeletedRef,
    BlockCreatedRef,
    BlockUpdatedRef,
    BlockTextChangedRef,
    BlockMovedRef,
    BlockConvertedRef,
    BlockDeletedRef,
    ResyncRequiredRef,
    SubscriptionEndedRef,
  ],
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
      // What is typed is in the events themselves: a key that reads no blocks watches none.
      const found = await getPage(ctx, pageId, 'block.read')
      return follow(ctx, {
        channel: pageChannel(requireViewer(ctx).organizationId, pageId),
        after: args.after,
        gate: (fresh) => getPage(fresh, pageId, 'block.read'),
        toEvent: (event, cursor) => {
          const known = pageChannelEvent(event)
          return known === null ? null : { ...known, cursor, pageId }
        },
        found,
        isMove: (event) => movesPage(pageChannelEvent(event)),
        isEnd: ({ type }) => type === 'PageDeleted',
      }) as unknown as AsyncIterable<PageEvent>
    },
    resolve: (event) => event,
  }),
)

function movesPage(event: PageChannelEvent | null): boolean {
  return event?.type === 'PageUpdated' && event.isMove
}
