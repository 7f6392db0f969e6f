import { defineActions } from '../../../platform/access.ts'

// Beyond the role one has to be a participant. Who may read may ask: what is said in a session changes nothing outside it.
export const chatSessionActions = defineActions({
  'chat_session.read': 'VIEWER',
  'chat_session.create': 'VIEWER',
  'message.send': 'VIEWER',
  'message.stop': 'VIEWER',
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'chat_session.read': true
    'chat_session.create': true
    'message.send': true
    'message.stop': true
  }
}
