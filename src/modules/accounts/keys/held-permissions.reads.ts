import { type Action, allActions, isGrantable, type Role, roleIncludes } from '../../../platform/access.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { Denial } from '../../../platform/errors.ts'

/** A key or an agent was to be given what the person behind it may not do themselves. */
export class PermissionNotHeld extends Denial {
  readonly code = 'PERMISSION_NOT_HELD'
  readonly permissions: readonly string[]
  constructor(permissions: readonly string[], action: string, target: string | null) {
    super(
      `Only what its person may do, and does not have to do themselves, can be given: not ${permissions.join(', ')}.`,
      action,
      target,
    )
    this.permissions = permissions
  }
}

/** Whom a key or an agent acts for, and where. */
export interface Principal {
  readonly userId: string
  readonly organizationId: string
}

/** What is to be given to a key or an agent, and in which deed. */
export interface Asked {
  readonly permissions: readonly string[]
  readonly action: string
  readonly target: string | null
}

/** Whether there is such an action at all. */
export function isKnownAction(name: string): name is Action {
  return allActions().some((action) => action === name)
}

/**
 * Demands that each permission is one of the person's own: of their role in the organization, or of the one they have in
 * any living project of it. Which thing it holds for is decided anew at each use, so this keeps no door; it tells whoever
 * asks for too much. What only people do, or only administrators of the platform, is
 * never held. @throws {PermissionNotHeld}
 */
export async function demandHeld(tx: Transaction, principal: Principal, asked: Asked): Promise<void> {
  const roles = await rolesOf(tx, principal)
  const lacking = asked.permissions.filter(
    (action) => !isGrantable(action) || !roles.some((role) => roleIncludes(role, action)),
  )
  if (lacking.length > 0) throw new PermissionNotHeld(lacking, asked.action, asked.target)
}

/** The roles of a person in an organization and in its projects, each once. */
async function rolesOf({ unscoped }: Transaction, { userId, organizationId }: Principal): Promise<readonly Role[]> {
  const rows = await unscoped
    .selectFrom('membership')
    .select('membership.role')
    .where('membership.user_id', '=', userId)
    .where('membership.organization_id', '=', organizationId)
    .union(
      unscoped
        .selectFrom('project_member')
        .innerJoin('project', 'project.id', 'project_member.project_id')
        .select('project_member.role')
        .where('project_member.user_id', '=', userId)
        .where('project_member.organization_id', '=', organizationId)
        .where('project.deleted_at', 'is', null),
    )
    .execute()
  return rows.map(({ role }) => role)
}
