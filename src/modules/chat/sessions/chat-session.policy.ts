import { defineActions } from '../../../platform/access.ts'

// Beyond the role one has to be a participant. Who may read may ask: what is said in a session changes nothing outside it.
export const chatSessionActions = defineActions({
  'chat_session.read': { least: 'GUEST', kind: 'read' },
  'chat_session.create': { least: 'VIEWER', kind: 'suggest' },
  'message.send': { least: 'GUEST', kind: 'suggest' },
  'message.stop': { least: 'GUEST', kind: 'suggest', inArchive: true },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'chat_session.read': true
    'chat_session.create': true
    'message.send': true
    'message.stop': true
  }
}
