import { z } from 'zod'
import type { NewChannelEvent } from '../../../platform/channels/log.ts'
import type { Transaction } from '../../../platform/database/transact.ts'

/** The channel on which every change of anybody's access in an organization is told to the nodes, and to no client. */
export function accessChannel(organizationId: string): string {
  return `${organizationId}/access`
}

/** Says that access in the organization has changed: all that is open there looks again at what it may. */
export function accessChanged(organizationId: string): NewChannelEvent {
  return { channel: accessChannel(organizationId), type: 'AccessChanged', payload: {} }
}

/** What all members are told of their organization at once: that something is otherwise, and not how. */
const organizationNews = z.discriminatedUnion('type', [z.object({ type: z.literal('CreditsChanged') })])

/** One thing that is otherwise in an organization. */
export type OrganizationNews = z.infer<typeof organizationNews>

/** What is otherwise by an event of the channel, perhaps of newer code; by null, that some were missed, everything may be. */
export function organizationNewsOf(event: Pick<NewChannelEvent, 'type'> | null): readonly OrganizationNews['type'][] {
  if (event === null) return organizationNews.options.map((option) => option.shape.type.value)
  return [organizationNews.safeParse(event).data?.type].filter((type) => type !== undefined)
}

/** The channel of what all members of an organization are told, as part of what happens to each of them. */
export function newsChannel(organizationId: string): string {
  return `${organizationId}/news`
}

/** What is to be recorded of something that is otherwise in an organization. */
export function newsOf(organizationId: string, { type, ...payload }: OrganizationNews): NewChannelEvent {
  return { channel: newsChannel(organizationId), type, payload }
}

/**
 * Moves the organization's access epoch on and tells the nodes, as part of the change's transaction: for what concerns all
 * its members alike. Takes the lock of the organization's row, which comes after those of people.
 */
export async function tellOrganization(tx: Transaction, organizationId: string): Promise<void> {
  await tx.unscoped
    .updateTable('organization')
    .set((on) => ({ access_epoch: on('access_epoch', '+', 1) }))
    .where('id', '=', organizationId)
    .execute()
  tx.movedOn(organizationId)
  tx.record(accessChanged(organizationId))
}
