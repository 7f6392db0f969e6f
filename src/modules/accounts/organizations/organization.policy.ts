import { defineActions } from '../../../platform/access.ts'

// Who restores an organization acts in another one meanwhile: it is their role in the deleted one that counts.
export const organizationActions = defineActions({
  'organization.read': { least: 'GUEST', kind: 'read' },
  'organization.update': { least: 'ADMIN', kind: 'manage' },
  'organization.create': { least: 'GUEST', kind: 'manage', personOnly: true },
  'organization.delete': { least: 'OWNER', kind: 'manage', personOnly: true },
  'organization.restore': { least: 'OWNER', kind: 'manage', personOnly: true },
  'organization.set_tier': { least: 'PLATFORM_ADMIN', kind: 'manage' },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'organization.read': true
    'organization.update': true
    'organization.create': true
    'organization.delete': true
    'organization.restore': true
    'organization.set_tier': true
  }
}
