import { defineActions } from '../../../platform/access.ts'

export const creditsActions = defineActions({
  'credits.read': { least: 'VIEWER', kind: 'read' },
  // The caps are those of programs.
  'credits.manage': { least: 'ADMIN', kind: 'manage', personOnly: true },
  'credits.grant': { least: 'PLATFORM_ADMIN', kind: 'manage' },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'credits.read': true
    'credits.manage': true
    'credits.grant': true
  }
}
