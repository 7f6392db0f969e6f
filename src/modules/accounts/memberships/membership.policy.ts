import { defineActions } from '../../../platform/access.ts'

// A guest reads of those alone whom they see: `isSeenBy`. Beyond the table nobody grants, takes or touches a role above their own.
export const membershipActions = defineActions({
  'membership.read': { least: 'GUEST', kind: 'read' },
  'membership.update': { least: 'ADMIN', kind: 'manage', personOnly: true },
  'membership.remove': { least: 'ADMIN', kind: 'manage', personOnly: true },
  'membership.leave': { least: 'GUEST', kind: 'manage', personOnly: true },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'membership.read': true
    'membership.update': true
    'membership.remove': true
    'membership.leave': true
  }
}
