import { defineActions } from '../../../platform/access.ts'

// Personal: a key that invites or promotes would give away all that its person has, whatever else it was granted.
export const invitationActions = defineActions({
  'invitation.read': { least: 'ADMIN', kind: 'read' },
  'invitation.create': { least: 'ADMIN', kind: 'manage', personOnly: true },
  'invitation.revoke': { least: 'ADMIN', kind: 'manage', personOnly: true },
  'invitation.accept': { least: 'GUEST', kind: 'manage', personOnly: true },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'invitation.read': true
    'invitation.create': true
    'invitation.revoke': true
    'invitation.accept': true
  }
}
