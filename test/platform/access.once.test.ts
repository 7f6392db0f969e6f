import { expect, test } from 'vitest'
import '../../src/policies.ts'
import {
  type Action,
  allActions,
  defineActions,
  permissionsOf,
  type Role,
  roleIncludes,
  roles,
} from '../../src/platform/access.ts'
import { type Context, createContext, type Platform, type Viewer } from '../../src/platform/context.ts'
import { Forbidden, NotFound, Unauthenticated } from '../../src/platform/errors.ts'
import { may, pass, requireAction, requireUser } from '../../src/platform/gate.ts'

function contextOf(viewer: Viewer): Context {
  const request = { id: 'request', address: null, userAgent: null }
  // The gates ask the viewer alone.
  return createContext({} as Platform, { viewer, request, cookies: null, signal: new AbortController().signal })
}

const ids = { userId: 'u', organizationId: 'o', deviceSessionId: 's', accessVersion: '0.0', accessUntil: new Date() }
const contextAs = (role: Role) => contextOf({ kind: 'user', role, ...ids })
const nobody = contextOf({ kind: 'anonymous', reason: null })

test('each role includes all that the ones after it do', () => {
  for (const action of allActions()) {
    const including = roles.filter((role) => roleIncludes(role, action))
    expect(including).toEqual(roles.slice(0, including.length))
    expect(including).toContain('OWNER')
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
    expect(permissionsOf(role)).toEqual([])
  }
  expect(permissionsOf(null)).toEqual([])
})

test('an action is defined once', () => {
  expect(() => defineActions({ 'page.read': 'GUEST' })).toThrow('page.read')
  expect(roleIncludes('GUEST', 'page.read')).toBe(false)
})

test('permissions are sorted and grow with the role', () => {
  const sizes = roles.map((role) => {
    const permissions = permissionsOf(role)
    expect(permissions).toEqual([...permissions].sort())
    return permissions.length
  })
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a))
  expect(permissionsOf('VIEWER')).toEqual(expect.arrayContaining<Action>(['page.read', 'project.read', 'block.read']))
})

test('the gate tells nobody from somebody, and somebody from somebody who may', () => {
  expect(() => requireUser(nobody)).toThrow(Unauthenticated)
  expect(() => requireAction(nobody, 'page.read')).toThrow(Unauthenticated)
  expect(requireUser(contextAs('GUEST'))).toMatchObject(ids)
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
  expect(() => requireUser(stale)).toThrow('The access token has expired.')
})

test('what is not there cannot be forbidden, and what may not be done names action and target', () => {
  const row = { id: '1' }
  expect(pass(contextAs('EDITOR'), 'page', row, 'page.create', 'page_1')).toBe(row)
  expect(() => pass(contextAs('OWNER'), 'page', null, 'page.create', 'page_1')).toThrow(NotFound)
  expect(() => pass(contextAs('GUEST'), 'page', null, 'page.create', 'page_1')).toThrow('No such page.')
  expect(() => pass(nobody, 'page', null, 'page.read', 'page_1')).toThrow(Unauthenticated)
  expect(() => pass(contextAs('VIEWER'), 'page', row, 'page.create', 'page_1')).toThrow(
    expect.objectContaining({ code: 'FORBIDDEN', action: 'page.create', target: 'page_1' }),
  )
})
