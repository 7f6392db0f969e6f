import { defineActions } from '../../../platform/access.ts'

export const blockActions = defineActions({
  'block.read': { least: 'VIEWER', kind: 'read' },
  'block.create': { least: 'EDITOR', kind: 'write' },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'block.read': true
    'block.create': true
  }
}
