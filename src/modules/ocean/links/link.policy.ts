import { defineActions } from '../../../platform/access.ts'

// Links are read with the blocks they start from.
export const linkActions = defineActions({
  'link.create': { least: 'EDITOR', kind: 'write' },
  'link.delete': { least: 'EDITOR', kind: 'write' },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'link.create': true
    'link.delete': true
  }
}
