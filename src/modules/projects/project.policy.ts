import { defineActions } from '../../platform/access.ts'

// `project.enter` is of an organization's owner who adds themselves to a private project.
export const projectActions = defineActions({
  'project.read': { least: 'VIEWER', kind: 'read' },
  'project.create': { least: 'EDITOR', kind: 'write' },
  'project.update': { least: 'EDITOR', kind: 'write' },
  'project.archive': { least: 'ADMIN', kind: 'write', inArchive: true },
  'project.restore': { least: 'ADMIN', kind: 'write', inArchive: true },
  'project.delete': { least: 'ADMIN', kind: 'manage', inArchive: true },
  'project.set_visibility': { least: 'ADMIN', kind: 'manage' },
  'project.set_member': { least: 'ADMIN', kind: 'manage', inArchive: true },
  'project.remove_member': { least: 'ADMIN', kind: 'manage', inArchive: true },
  'project.enter': { least: 'OWNER', kind: 'manage', inArchive: true },
})

declare module '../../platform/access.ts' {
  interface Actions {
    'project.read': true
    'project.create': true
    'project.update': true
    'project.archive': true
    'project.restore': true
    'project.delete': true
    'project.set_visibility': true
    'project.set_member': true
    'project.remove_member': true
    'project.enter': true
  }
}
