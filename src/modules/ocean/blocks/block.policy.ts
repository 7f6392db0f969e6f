import { defineActions } from '../../../platform/access.ts'

export const blockActions = defineActions({
  'block.read': { least: 'VIEWER', kind: 'read' },
  'block.create': { least: 'EDITOR', kind: 'write' },
  'block.update': { least: 'EDITOR', kind: 'write' },
  'block.edit_text': { least: 'EDITOR', kind: 'write' },
  'block.move': { least: 'EDITOR', kind: 'write' },
  'block.convert': { least: 'EDITOR', kind: 'write' },
  'block.split': { least: 'EDITOR', kind: 'write' },
  'block.merge': { least: 'EDITOR', kind: 'write' },
  'block.delete': { least: 'EDITOR', kind: 'write' },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'block.read': true
    'block.create': true
    'block.update': true
    'block.edit_text': true
    'block.move': true
    'block.convert': true
    'block.split': true
    'block.merge': true
    'block.delete': true
  }
}
