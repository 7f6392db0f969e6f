import { defineActions } from '../../../platform/access.ts'

// Whoever reads a page reads its tags; `tag.read` is for all of the organization's.
export const tagActions = defineActions({
  'tag.read': { least: 'VIEWER', kind: 'read' },
  'tag.create': { least: 'EDITOR', kind: 'write' },
  'tag.update': { least: 'EDITOR', kind: 'write' },
  'tag.delete': { least: 'ADMIN', kind: 'write' },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'tag.read': true
    'tag.create': true
    'tag.update': true
    'tag.delete': true
  }
}
