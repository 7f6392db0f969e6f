import { defineActions } from '../../../platform/access.ts'

export const pageActions = defineActions({
  'page.read': { least: 'VIEWER', kind: 'read' },
  'page.create': { least: 'EDITOR', kind: 'write' },
  'page.move': { least: 'EDITOR', kind: 'write' },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'page.read': true
    'page.create': true
    'page.move': true
  }
}
