import { defineActions } from '../../../platform/access.ts'

export const creditsActions = defineActions({
  'credits.read': { least: 'VIEWER', kind: 'read' },
  // Who holds a key that was stolen must not undo what was done about that.
  'credits.manage': { least: 'ADMIN', kind: 'manage', personOnly: true },
  'credits.grant': { least: 'PLATFORM_ADMIN', kind: 'manage' },
  'credits.restrain': { least: 'PLATFORM_ADMIN', kind: 'manage' },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'credits.read': true
    'credits.manage': true
    'credits.grant': true
    'credits.restrain': true
  }
}
