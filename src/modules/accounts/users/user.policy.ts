import { defineActions } from '../../../platform/access.ts'

/** People see who they share an organization with. */
export const userActions = defineActions({ 'user.read': 'GUEST' })

declare module '../../../platform/access.ts' {
  interface Actions {
    'user.read': true
  }
}
