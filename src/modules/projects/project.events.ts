import type { NewChannelEvent } from '../../platform/channels/log.ts'
import type { Transaction } from '../../platform/database/transact.ts'
import { accessChanged } from '../accounts/organizations/organization.events.ts'

/**
 * Moves the project's access epoch on and tells the nodes, as part of the change's transaction: what is open of the project
 * looks again at whether it may. Takes the lock of the project's row.
 */
export async function tellProject(tx: Transaction, organizationId: string, projectId: string): Promise<void> {
  await tx.unscoped
    .updateTable('project')
    .set((on) => ({ access_epoch: on('access_epoch', '+', 1) }))
    .where('id', '=', projectId)
    .where('organization_id', '=', organizationId)
    .execute()
  tx.movedOn(projectId)
  tx.record(accessChanged(organizationId))
}

/** What a project says of itself on its channel; what stands in it says more there, in the words of later modules. */
export type ProjectChannelEvent = { readonly type: 'ProjectUpdated' } | { readonly type: 'ProjectMembersChanged' }

/** The channel of a project's live events; its name begins with the organization, as every predicate does. */
export function projectChannel(organizationId: string, projectId: string): string {
  return `${organizationId}/project/${projectId}`
}

/** Something that happened to a project, to be recorded in the transaction that does it. */
export function onProject(organizationId: string, projectId: string, { type }: ProjectChannelEvent): NewChannelEvent {
  return { channel: projectChannel(organizationId, projectId), type, payload: {} }
}
