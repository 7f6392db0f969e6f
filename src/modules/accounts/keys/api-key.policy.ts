import { defineActions } from '../../../platform/access.ts'

/** Of one's own keys. */
export const apiKeyActions = defineActions({
  'api_key.create': { least: 'GUEST', kind: 'manage', personOnly: true },
  'api_key.rotate': { least: 'GUEST', kind: 'manage', personOnly: true },
  'api_key.revoke': { least: 'GUEST', kind: 'manage', personOnly: true },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'api_key.create': true
    'api_key.rotate': true
    'api_key.revoke': true
  }
}
