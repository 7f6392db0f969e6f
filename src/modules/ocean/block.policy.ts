import { defineActions } from '../../platform/access.ts'

export const blockActions = defineActions({ 'block.read': 'VIEWER', 'block.create': 'EDITOR' })

declare module '../../platform/access.ts' {
  interface Actions {
    'block.read': true
    'block.create': true
  }
}
