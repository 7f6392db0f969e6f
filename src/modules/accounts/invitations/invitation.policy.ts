import { defineActions } from '../../../platform/access.ts'

export const invitationActions = defineActions({
  'invitation.read': { least: 'ADMIN', kind: 'read' },
  'invitation.create': { least: 'ADMIN', kind: 'manage' },
  'invitation.revoke': { least: 'ADMIN', kind: 'manage' },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'invitation.read': true
    'invitation.create': true
    'invitation.revoke': true
  }
}
