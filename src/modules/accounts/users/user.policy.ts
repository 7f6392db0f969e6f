import { defineActions } from '../../../platform/access.ts'

/** People see who they share an organization with; a guest, who they share a project with. */
export const userActions = defineActions({
  'user.read': { least: 'GUEST', kind: 'read' },
  // Of members of the organization.
  'user.read_email': { least: 'ADMIN', kind: 'read' },
  // Of oneself.
  'user.update_profile': { least: 'GUEST', kind: 'manage', personOnly: true },
  'user.change_password': { least: 'GUEST', kind: 'manage', personOnly: true },
  'user.delete': { least: 'GUEST', kind: 'manage', personOnly: true },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'user.read': true
    'user.read_email': true
    'user.update_profile': true
    'user.change_password': true
    'user.delete': true
  }
}
