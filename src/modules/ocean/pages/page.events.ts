import { z } from 'zod'
import type { NewChannelEvent } from '../../../platform/channels/log.ts'

/**
 * What is said on a page's channel: ids only, since every reader loads what they may see with today's rights. The one
 * exception is what was typed, which only means something as it is.
 */
const pageChannelEvents = z.discriminatedUnion('type', [
  z.object({ type: z.literal('PageUpdated') }),
  z.object({ type: z.literal('PageDeleted') }),
  z.object({ type: z.literal('BlockCreated'), blockId: z.uuid() }),
  z.object({ type: z.literal('BlockUpdated'), blockId: z.uuid() }),
  z.object({ type: z.literal('BlockMoved'), blockId: z.uuid() }),
  z.object({ type: z.literal('BlockConverted'), blockId: z.uuid() }),
  z.object({ type: z.literal('BlockDeleted'), blockId: z.uuid() }),
  z.object({
    type: z.literal('BlockTextChanged'),
    blockId: z.uuid(),
    /** The Yjs update, in base64. */
    update: z.string(),
    /** What the text has become by it. */
    textVersion: z.int(),
  }),
])

/** One event of a page's channel, without its place in it. */
export type PageChannelEvent = z.infer<typeof pageChannelEvents>

/** Where something happens. */
export interface PagePlace {
  readonly organizationId: string
  readonly pageId: string
}

/** The channel of a page's live events; its name begins with the organization, as every predicate does. */
export function pageChannel(organizationId: string, pageId: string): string {
  return `${organizationId}/page/${pageId}`
}

/** Something that happened on a page, to be recorded in the transaction that does it. */
export function onPage({ organizationId, pageId }: PagePlace, event: PageChannelEvent): NewChannelEvent {
  const { type, ...payload } = event
  return { channel: pageChannel(organizationId, pageId), type, payload }
}

/** An event as it was recorded, perhaps by older code; null when it is none that this code knows, but newer code may. */
export function pageChannelEvent(event: Pick<NewChannelEvent, 'type' | 'payload'>): PageChannelEvent | null {
  return pageChannelEvents.safeParse({ ...event.payload, type: event.type }).data ?? null
}
