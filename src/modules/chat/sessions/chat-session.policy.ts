import { defineActions } from '../../../platform/access.ts'

// Beyond the role one has to be a participant. Who may read may ask: what is said in a session changes nothing outside it.
export const chatSessionActions = defineActions({
  'chat_session.read': { least: 'GUEST', kind: 'read' },
  'chat_session.create': { least: 'VIEWER', kind: 'suggest' },
  'chat_session.update': { least: 'GUEST', kind: 'suggest' },
  'chat_session.allow_tools': { least: 'GUEST', kind: 'manage', personOnly: true },
  'chat_session.archive': { least: 'GUEST', kind: 'suggest' },
  'chat_session.delete': { least: 'GUEST', kind: 'manage', inArchive: true },
  'chat_session.add_participant': { least: 'GUEST', kind: 'manage' },
  'chat_session.remove_participant': { least: 'GUEST', kind: 'manage', inArchive: true },
  'message.send': { least: 'GUEST', kind: 'suggest' },
  'message.edit': { least: 'GUEST', kind: 'suggest' },
  'message.regenerate': { least: 'GUEST', kind: 'suggest' },
  // What is then done goes by the rights of whoever is answered, with grants and all.
  'tool_call.approve': { least: 'GUEST', kind: 'suggest' },
  'tool_call.reject': { least: 'GUEST', kind: 'suggest', inArchive: true },
  'message.stop': { least: 'GUEST', kind: 'suggest', inArchive: true },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'chat_session.read': true
    'chat_session.create': true
    'chat_session.update': true
    'chat_session.allow_tools': true
    'chat_session.archive': true
    'chat_session.delete': true
    'chat_session.add_participant': true
    'chat_session.remove_participant': true
    'message.send': true
    'message.edit': true
    'message.regenerate': true
    'message.stop': true
    'tool_call.approve': true
    'tool_call.reject': true
  }
}
