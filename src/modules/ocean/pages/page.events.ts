import { z } from 'zod'
import type { NewChannelEvent } from '../../../platform/channels/log.ts'

/** What is said on a page's channel: ids only, since every reader loads what they may see with today's rights. */
const pageChannelEvents = z.discriminatedUnion('type', [
  z.object({ type: z.literal('PageUpdated') }),
  z.object({ type: z.literal('BlockCreated'), blockId: z.uuid() }),
])

/** The channel of a page's live events; its name begins with the organization, as every predicate does. */
export function pageChannel(organizationId: string, pageId: string): string {
  return `${organizationId}/page/${pageId}`
}

/** Says that the page itself changed: perhaps its place, and with it who may see it. */
export function pageUpdated(organizationId: string, pageId: string): NewChannelEvent {
  return { channel: pageChannel(organizationId, pageId), type: 'PageUpdated', payload: {} }
}

/** Says that a block was made. */
export function blockCreated(organizationId: string, pageId: string, blockId: string): NewChannelEvent {
  return { channel: pageChannel(organizationId, pageId), type: 'BlockCreated', payload: { blockId } }
}

/** An event as it was recorded, perhaps by older code; null when it is none that this code knows, but newer code may. */
export function pageChannelEvent(event: Pick<NewChannelEvent, 'type' | 'payload'>) {
  return pageChannelEvents.safeParse({ ...event.payload, type: event.type }).data ?? null
}
