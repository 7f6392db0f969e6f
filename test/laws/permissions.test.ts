import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { allActions, defineActions, permissionsOf, type Role, roleIncludes, roles } from '../../src/platform/access.ts'
import { printPermissions } from '../kit/permissions.ts'
import { unaskedActions } from './house.ts'
import { parseSources, readSources } from './sources.ts'

const as = (role: Role) => ({ role, grants: null, isPlatformAdmin: false })
const unknownRoles = ['KING', '', 'owner', 'constructor', '__proto__'] as unknown as Role[]
const unknownActions = ['', 'page', 'page.', 'page.fly', 'PAGE.READ', 'constructor', '__proto__']

test('schema/permissions.md is this table (npm run codegen)', () => {
  expect(readFileSync('schema/permissions.md', 'utf8')).toBe(printPermissions())
})

test('the table has a line for every action and a column for every role', () => {
  const lines = printPermissions().split('\n')
  expect(lines).toContain(`| action | kind | ${roles.join(' | ')} | in an archive | personal |`)
  expect(lines.filter((line) => /^(\| |- )`/.test(line))).toHaveLength(allActions().length)
  expect(lines).toContain('| `page.create` | write | ✓ | ✓ | ✓ |   |   |   |   |')
})

test('every action is asked for somewhere', () => {
  expect(unaskedActions(readSources(), allActions())).toEqual([])
})

test('an action that is only defined or written down counts as unasked', () => {
  const sources = parseSources({
    'src/modules/ocean/page.policy.ts': "defineActions({ 'page.fly': 'OWNER' })",
    'src/modules/ocean/page.service.ts': "audit(ctx, tx, { action: 'page.fly' }); requireAction(ctx, 'page.swim')",
  })
  expect(unaskedActions(sources, ['page.fly', 'page.swim'])).toEqual(['page.fly'])
})

test.each(unknownActions)('nobody may do what no policy knows: "%s"', (action) => {
  for (const role of roles) expect(roleIncludes(role, action), role).toBe(false)
})

test.each(unknownRoles)('a role that does not exist may do nothing: "%s"', (role) => {
  expect(allActions().filter((action) => roleIncludes(role, action))).toEqual([])
  expect(permissionsOf(as(role))).toEqual([])
})

test('nobody in particular may do nothing', () => {
  expect(permissionsOf(as('OWNER'), { viewerRole: null, isArchived: false })).toEqual([])
})

test('each role may do all that the ones after it may', () => {
  for (const [index, role] of roles.entries()) {
    for (const lesser of roles.slice(index))
      expect(permissionsOf(as(role))).toEqual(expect.arrayContaining([...permissionsOf(as(lesser))]))
  }
  expect(permissionsOf(as('GUEST')).length).toBeLessThan(permissionsOf(as('VIEWER')).length)
})

test('an action defined twice is refused', () => {
  expect(() => defineActions({ 'page.read': { least: 'OWNER', kind: 'read' } })).toThrow('page.read')
})
