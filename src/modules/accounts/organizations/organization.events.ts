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
