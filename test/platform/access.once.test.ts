import { expect, test } from 'vitest'
import '../../src/policies.ts'
import {
  type Action,
  allActions,
  defineActions,
  effectiveRole,
  isAllowed,
  permissionsOf,
  type Role,
  roleIncludes,
  roles,
  ruleOf,
} from '../../src/platform/access.ts'
import { type Context, createContext, type Platform, type Viewer } from '../../src/platform/context.ts'
import { Forbidden, NotFound, Unauthenticated } from '../../src/platform/errors.ts'
import { may, pass, requireAction, requirePerson, requireViewer } from '../../src/platform/gate.ts'

function contextOf(viewer: Viewer): Context {
  const request = { id: 'request', address: null, userAgent: null }
  // The gates ask the viewer alone.
  return createContext({} as Platform, { viewer, request, cookies: null, signal: new AbortController().signal })
}

const acting = { userId: 'u', organizationId: 'o', isPlatformAdmin: false, accessVersion: '0.0', projectEpoch: null }
const ids = { ...acting, deviceSessionId: 's', grants: null, accessUntil: new Date() }
const standing = (viewerRole: Role | null, isArchived = false) => ({ viewerRole, isArchived })
const asRole = (role: Role) => ({ role, grants: null, isPlatformAdmin: false })
const contextAs = (role: Role) => contextOf({ kind: 'user', role, ...ids })
const nobody = contextOf({ kind: 'anonymous', reason: null })

test('each role includes all that the ones after it do', () => {
  for (const action of allActions()) {
    const including = roles.filter((role) => roleIncludes(role, action))
    expect(including).toEqual(roles.slice(0, including.length))
    expect(including.includes('OWNER')).toBe(ruleOf(action)?.least !== 'PLATFORM_ADMIN')
  }
})

test('what is not in the table is denied to everybody: actions, roles, both', () => {
  for (const role of roles) {
    for (const action of ['page.destroy', '', 'toString', '__proto__', 'page', 'PAGE.READ', 'page.read ']) {
      expect(roleIncludes(role, action)).toBe(false)
    }
  }
  for (const role of ['SUPERUSER', '', 'owner', 'constructor'] as unknown as Role[]) {
    expect(allActions().filter((action) => roleIncludes(role, action))).toEqual([])
    expect(permissionsOf(asRole(role))).toEqual([])
  }
  expect(permissionsOf(asRole('OWNER'), { viewerRole: null, isArchived: false })).toEqual([])
})

test('an action is defined once', () => {
  expect(() => defineActions({ 'page.read': { least: 'GUEST', kind: 'read' } })).toThrow('page.read')
  expect(roleIncludes('GUEST', 'page.read')).toBe(false)
})

test('permissions are sorted and grow with the role', () => {
  const sizes = roles.map((role) => {
    const permissions = permissionsOf(asRole(role))
    expect(permissions).toEqual([...permissions].sort())
    return permissions.length
  })
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a))
  expect(permissionsOf(asRole('VIEWER'))).toEqual(
    expect.arrayContaining<Action>(['page.read', 'project.read', 'block.read']),
  )
})

test('the gate tells nobody from somebody, and somebody from somebody who may', () => {
  expect(() => requireViewer(nobody)).toThrow(Unauthenticated)
  expect(() => requireAction(nobody, 'page.read')).toThrow(Unauthenticated)
  expect(requireViewer(contextAs('GUEST'))).toMatchObject(ids)
  expect(() => requireAction(contextAs('VIEWER'), 'page.create', 'page_1')).toThrow(Forbidden)
  expect(requireAction(contextAs('EDITOR'), 'page.create')).toMatchObject({ role: 'EDITOR' })
  expect([
    may(nobody, 'page.read'),
    may(contextAs('GUEST'), 'page.read'),
    may(contextAs('VIEWER'), 'page.read'),
  ]).toEqual([false, false, true])
})

test('stale credentials are told why', () => {
  const stale = contextOf({ kind: 'anonymous', reason: 'The access token has expired.' })
  expect(() => requireViewer(stale)).toThrow('The access token has expired.')
})

test('what is not there cannot be forbidden, and what may not be done names action and target', () => {
  const row = standing('EDITOR')
  expect(pass(contextAs('EDITOR'), 'page', row, 'page.create', 'page_1')).toBe(row)
  expect(() => pass(contextAs('OWNER'), 'page', null, 'page.create', 'page_1')).toThrow(NotFound)
  expect(() => pass(contextAs('GUEST'), 'page', null, 'page.create', 'page_1')).toThrow('No such page.')
  expect(() => pass(nobody, 'page', null, 'page.read', 'page_1')).toThrow(Unauthenticated)
  expect(() => pass(contextAs('OWNER'), 'page', standing('VIEWER'), 'page.create', 'page_1')).toThrow(
    expect.objectContaining({ code: 'FORBIDDEN', action: 'page.create', target: 'page_1' }),
  )
})

test('on what stands in a project the higher role counts, in a private one that of the project alone', () => {
  const open = (role: Role, inProject: Role | null) =>
    effectiveRole(role, { visibility: 'ORGANIZATION', role: inProject })
  expect([open('VIEWER', 'EDITOR'), open('ADMIN', 'EDITOR'), open('EDITOR', null)]).toEqual([
    'EDITOR',
    'ADMIN',
    'EDITOR',
  ])
  const closed = (role: Role, inProject: Role | null) => effectiveRole(role, { visibility: 'PRIVATE', role: inProject })
  expect([closed('OWNER', null), closed('OWNER', 'VIEWER')]).toEqual([null, 'VIEWER'])
  expect([open('GUEST', null), open('GUEST', 'VIEWER')]).toEqual([null, 'VIEWER'])
})

test('in an archived project only reading is left, and what ends the archive or takes access away', () => {
  const left = permissionsOf(asRole('OWNER'), standing('OWNER', true))
  expect(left).toEqual(expect.arrayContaining(['page.read', 'project.restore', 'project.remove_member']))
  expect(left.filter((action) => /create|update|move$|send/.test(action))).toEqual([])
})

test('a key or an agent does what it was granted and its person may, and nothing else', () => {
  const key = { role: 'VIEWER' as const, grants: new Set(['page.read', 'page.create']), isPlatformAdmin: true }
  expect(permissionsOf(key)).toEqual(['page.read'])
  expect(isAllowed(key, 'page.create', standing('EDITOR'))).toBe(true)
  const agent = { ...ids, kind: 'agent' as const, agentId: 'a', agentTokenId: 't', role: 'OWNER' as const }
  expect(() => requirePerson(contextOf(agent), 'user.delete')).toThrow(Forbidden)
})
