import { guest, owner, strangers } from './actors.ts'
import { change, noTenant } from './layers.ts'
import type { Mutant } from './mutation.ts'

const accounts = 'src/modules/accounts'
const device = `${accounts}/devices/device-session.reads.ts`
const findDevice = change(
  device,
  ".select(columns).where('device_session.user_id', '=', viewer.userId)",
  '.select(columns)',
)
const key = `${accounts}/keys/api-key.reads.ts`
const everybodysKeys = change(
  key,
  "return db.from('api_key').where('api_key.user_id', '=', viewer.kind === 'user' ? viewer.userId : NIL)",
  "return db.from('api_key').where('api_key.user_id', viewer.kind === 'user' ? '<>' : '=', NIL)",
)
const anyKey = change(
  `${accounts}/keys/api-key.service.ts`,
  "    .where('id', '=', id)\n    .where('user_id', '=', viewer.userId)\n    .where('organization_id', '=', viewer.organizationId)\n",
  "    .where('id', '=', id)\n",
)
const agents = `${accounts}/agents/agent.reads.ts`
const findAgent = change(agents, "agent !== null && may(ctx, 'agent.read', agent) ? agent : null", 'agent')
const ownAgent = change(
  agents,
  'viewerRole: row.ownerId === userId ? ownersRole(role) : role',
  "viewerRole: userId === '' ? ownersRole(role) : 'OWNER'",
)

/** What stands before devices, keys and agents. */
export const programMutants: readonly Mutant[] = [
  { name: 'DeviceSession: found by whatever id', edits: [findDevice], ...strangers(owner, 'Query.node') },
  {
    name: 'DeviceSession: ended by whoever names it',
    edits: [
      findDevice,
      change(
        `${accounts}/devices/device-session.service.ts`,
        ".where('user_id', '=', userId)\n  return (await sessions",
        '\n  return (await sessions',
      ),
      change(`${accounts}/devices/device-session.service.ts`, 'if (isLiving) await endSessions', 'await endSessions'),
    ],
    ...strangers(`${owner}|${guest}`, 'Mutation.revokeDeviceSession'),
  },
  {
    name: 'DeviceSession: everybody’s listed',
    edits: [
      change(
        device,
        ".where('device_session.user_id', '=', userId)\n",
        ".where('device_session.user_id', '<>', userId === NIL ? NIL : NIL)\n",
      ),
    ],
    ...strangers(`${owner}|${guest}`, 'Query.viewer'),
  },
  {
    name: 'ApiKey: nothing stands before it',
    edits: [noTenant('api_key'), everybodysKeys],
    ...strangers(owner, 'Query.node', 'Query.viewer'),
  },
  {
    name: 'ApiKey: found and listed in its organization',
    edits: [everybodysKeys],
    ...strangers(guest, 'Query.node', 'Query.viewer'),
  },
  {
    name: 'ApiKey: revoked and rotated by whoever names it',
    edits: [noTenant('api_key'), everybodysKeys, anyKey],
    ...strangers(owner, 'Mutation.revokeApiKey', 'Mutation.rotateApiKey'),
  },
  {
    name: 'Agent: nothing stands before it',
    edits: [noTenant('agent'), findAgent, ownAgent],
    ...strangers(owner, 'Query.node', 'Mutation.disableAgent'),
  },
  { name: 'Agent: found by id in its organization', edits: [findAgent], ...strangers(guest, 'Query.node') },
  {
    name: 'Agent: found by id in any organization',
    edits: [noTenant('agent'), findAgent],
    ...strangers(owner, 'Query.node'),
  },
  {
    name: 'Agent: changed by whoever is in its organization',
    edits: [findAgent, ownAgent],
    ...strangers(guest, 'Mutation.updateAgent', 'Mutation.disableAgent'),
  },
  {
    name: 'Agent: acted with by whoever names it',
    edits: [
      noTenant('agent'),
      findAgent,
      ownAgent,
      change(
        `${accounts}/agents/agent.service.ts`,
        "if (found.ownerId !== userId) throw new Forbidden('agent.issue_token', target)",
        '',
      ),
    ],
    ...strangers(owner, 'Mutation.issueAgentToken'),
  },
  {
    name: 'Agent: acted with by its administrators',
    edits: [
      change(
        `${accounts}/agents/agent.service.ts`,
        "if (found.ownerId !== userId) throw new Forbidden('agent.issue_token', target)",
        '',
      ),
    ],
    killers: { files: ['test/modules/accounts/agents/agent.test.ts'], named: 'only its owner gets a token' },
  },
  {
    name: 'Agent: listed to everybody',
    edits: [change(agents, "if (!may(ctx, 'agent.read')) return []", '')],
    ...strangers(guest, 'Query.organization', 'Query.viewer'),
  },
]
