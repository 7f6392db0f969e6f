import { defineActions } from '../../../platform/access.ts'

export const organizationActions = defineActions({
  'organization.read': { least: 'GUEST', kind: 'read' },
  'organization.update': { least: 'ADMIN', kind: 'manage' },
  'organization.delete': { least: 'OWNER', kind: 'manage' },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'organization.read': true
    'organization.update': true
    'organization.delete': true
  }
}
