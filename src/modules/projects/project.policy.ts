import { defineActions } from '../../platform/access.ts'

export const projectActions = defineActions({ 'project.read': 'VIEWER', 'project.create': 'EDITOR' })

declare module '../../platform/access.ts' {
  interface Actions {
    'project.read': true
    'project.create': true
  }
}
