import { defineActions } from '../../platform/access.ts'

export const auditActions = defineActions({ 'audit.read': { least: 'ADMIN', kind: 'read' } })

declare module '../../platform/access.ts' {
  interface Actions {
    'audit.read': true
  }
}
