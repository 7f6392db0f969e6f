import { defineActions } from '../../../platform/access.ts'

/** Of one's own sessions, and what happens to one's account. */
export const sessionActions = defineActions({
  'session.read': { least: 'GUEST', kind: 'read', personOnly: true },
  'session.end': { least: 'GUEST', kind: 'manage', personOnly: true },
  'session.end_others': { least: 'GUEST', kind: 'manage', personOnly: true },
  'session.switch': { least: 'GUEST', kind: 'manage', personOnly: true },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'session.read': true
    'session.end': true
    'session.end_others': true
    'session.switch': true
  }
}
