import { defineActions } from '../../platform/access.ts'

export const auditActions = defineActions({ 'audit.read': 'ADMIN' })

declare module '../../platform/access.ts' {
  interface Actions {
    'audit.read': true
  }
}
