import { defineActions } from '../../../platform/access.ts'

// That of others: everybody who sees the credits may read their own.
export const usageActions = defineActions({ 'usage.read': { least: 'ADMIN', kind: 'read' } })

declare module '../../../platform/access.ts' {
  interface Actions {
    'usage.read': true
  }
}
