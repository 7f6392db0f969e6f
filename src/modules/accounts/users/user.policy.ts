import { defineActions } from '../../../platform/access.ts'

/** People see who they share an organization with; a guest, who they share a project with. */
export const userActions = defineActions({
  'user.read': { least: 'GUEST', kind: 'read' },
  // Of members of the organization.
  'user.read_email': { least: 'ADMIN', kind: 'read' },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'user.read': true
    'user.read_email': true
  }
}
