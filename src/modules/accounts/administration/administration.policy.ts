import { defineActions } from '../../../platform/access.ts'

/** People, whatever their organizations: administrators of the platform manage them, and no content. */
export const administrationActions = defineActions({
  'user.list': { least: 'PLATFORM_ADMIN', kind: 'read' },
  'user.create': { least: 'PLATFORM_ADMIN', kind: 'manage' },
  'user.update': { least: 'PLATFORM_ADMIN', kind: 'manage' },
  'user.suspend': { least: 'PLATFORM_ADMIN', kind: 'manage' },
  'user.reinstate': { least: 'PLATFORM_ADMIN', kind: 'manage' },
  'user.delete_other': { least: 'PLATFORM_ADMIN', kind: 'manage' },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'user.list': true
    'user.create': true
    'user.update': true
    'user.suspend': true
    'user.reinstate': true
    'user.delete_other': true
  }
}
