import { defineActions } from '../../platform/access.ts'

export const pageActions = defineActions({ 'page.read': 'VIEWER', 'page.create': 'EDITOR' })

declare module '../../platform/access.ts' {
  interface Actions {
    'page.read': true
    'page.create': true
  }
}
