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
