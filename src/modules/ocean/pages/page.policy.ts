import { defineActions } from '../../../platform/access.ts'

export const pageActions = defineActions({
  'page.read': { least: 'VIEWER', kind: 'read' },
  'page.create': { least: 'EDITOR', kind: 'write' },
  'page.update': { least: 'EDITOR', kind: 'write' },
  'page.move': { least: 'EDITOR', kind: 'write' },
  'page.archive': { least: 'EDITOR', kind: 'write', inArchive: true },
  'page.restore': { least: 'EDITOR', kind: 'write', inArchive: true },
  'page.delete': { least: 'ADMIN', kind: 'write', inArchive: true },
  'page.tag': { least: 'EDITOR', kind: 'write' },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'page.read': true
    'page.create': true
    'page.update': true
    'page.move': true
    'page.archive': true
    'page.restore': true
    'page.delete': true
    'page.tag': true
  }
}
