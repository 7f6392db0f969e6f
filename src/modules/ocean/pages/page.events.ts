import { z } from 'zod'
import type { NewChannelEvent } from '../../../platform/channels/log.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { projectChannel } from '../../projects/project.events.ts'

/**
 * What is said on a page's channel: ids only, since every reader loads what they may see with today's rights. The one
 * exception is what was typed, which only means something as it is.
 */
const pageChannelEvents = z.discriminatedUnion('type', [
  // Unless it says otherwise it may have moved to where other people see it; so did those that older code recorded.
  z.object({ type: z.literal('PageUpdated'), isMove: z.boolean().default(true) }),
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
export type PageChannelEvent = z.output<typeof pageChannelEvents>

/** One to be recorded. */
export type NewPageEvent = z.input<typeof pageChannelEvents>

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
export function onPage({ organizationId, pageId }: PagePlace, event: NewPageEvent): NewChannelEvent {
  const { type, ...payload } = event
  return { channel: pageChannel(organizationId, pageId), type, payload }
}

/** An event as it was recorded, perhaps by older code; null when it is none that this code knows, but newer code may. */
export function pageChannelEvent(event: Pick<NewChannelEvent, 'type' | 'payload'>): PageChannelEvent | null {
  return pageChannelEvents.safeParse({ ...event.payload, type: event.type }).data ?? null
}

/** What is said of a page on its project's channel. */
export type PageChange = 'PageAdded' | 'PageChanged' | 'PageMoved' | 'PageRemoved'

/** Something that happened to a page of a project, to be recorded in the transaction that does it. */
export function inProject(place: PagePlace & { readonly projectId: string }, type: PageChange): NewChannelEvent {
  const { organizationId, projectId, pageId } = place
  return { channel: projectChannel(organizationId, projectId), type, payload: { pageId } }
}

/** A page of which something is told. */
export interface ToldPage {
  readonly id: string
  readonly projectId: string | null
}

/** Tells of a page on its project's channel, if it is in one. */
export function tellProjectOf(tx: Transaction, { id, projectId }: ToldPage, type: PageChange): void {
  const { organizationId } = tx.db
  if (projectId === null || organizationId === null) return
  tx.record(inProject({ organizationId, projectId, pageId: id }, type))
}

/** Tells whoever watches a page that it has changed; `isMove` when other people may see it now. */
export function tellWatchers(tx: Transaction, { id }: Pick<ToldPage, 'id'>, isMove = false): void {
  const { organizationId } = tx.db
  if (organizationId !== null) tx.record(onPage({ organizationId, pageId: id }, { type: 'PageUpdated', isMove }))
}

/** Tells whoever watches these pages that something else stands directly in them now, or no more; null is no page. */
export function tellParents(tx: Transaction, ...parentIds: readonly (string | null)[]): void {
  for (const id of new Set(parentIds)) if (id !== null) tellWatchers(tx, { id })
}
