import { globSync, readFileSync } from 'node:fs'
import { type GraphQLInputType, getNamedType, isInputObjectType } from 'graphql'
import { expect } from 'vitest'
import { schema } from '../../../src/schema.ts'
import { test } from '../../kit/test.ts'
import { idPlacesOf, rootFieldsOf } from '../../laws/walk.ts'

/** The mutations that the module of accounts defines. */
function accountsMutations() {
  const texts = globSync('src/modules/accounts/**/*.graphql.ts').map((path) => readFileSync(path, 'utf8'))
  const names = texts.flatMap((text) => [...text.matchAll(/mutationField\('(\w+)'/g)].map(([, name]) => name))
  const found = rootFieldsOf(schema).filter(({ operation, name }) => operation === 'mutation' && names.includes(name))
  expect(found.length, 'mutations of accounts').toBeGreaterThanOrEqual(12)
  expect(found).toHaveLength(names.length)
  return found
}

/** Names of all fields in an input, however deep. */
function fieldNames(type: GraphQLInputType, seen = new Set<string>()): string[] {
  const named = getNamedType(type)
  if (!isInputObjectType(named) || seen.has(named.name)) return []
  seen.add(named.name)
  return Object.values(named.getFields()).flatMap((field) => [field.name, ...fieldNames(field.type, seen)])
}

test('better-auth CVE-2025-61928: no input of accounts says whose account it is about', async ({ alice, stranger }) => {
  const mutations = accountsMutations()
  for (const { coordinate, field } of mutations) {
    const names = field.args.flatMap(({ name, type }) => [name, ...fieldNames(type)])
    expect(
      names.filter((name) => /user(?!name)|account|owner|actor|member|person|subject/i.test(name)),
      coordinate,
    ).toEqual([])
  }
  // The only ids are those of things that the caller has to own, or to be the administrator of: a probe each.
  expect(mutations.flatMap(idPlacesOf).toSorted()).toEqual([
    'DeleteOrganizationInput.id',
    'DeleteUserInput.id',
    'DisableAgentInput.id',
    'IssueAgentTokenInput.agentId',
    'LeaveOrganizationInput.id',
    'ReinstateUserInput.id',
    'RemoveMemberInput.id',
    'RestoreOrganizationInput.id',
    'RevokeApiKeyInput.id',
    'RevokeDeviceSessionInput.id',
    'RevokeInvitationInput.id',
    'RotateApiKeyInput.id',
    'SetOrganizationTierInput.id',
    'SuspendUserInput.id',
    'SwitchOrganizationInput.organizationId',
    'UpdateAgentInput.id',
    'UpdateMemberRoleInput.id',
    'UpdateOrganizationInput.id',
    'UpdateUserInput.id',
  ])

  for (const extra of ['userId', 'id', 'user']) {
    const answer = await stranger.send(
      'mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { __typename } }',
      { input: { displayName: 'Mallory', [extra]: alice.userId } },
    )
    expect(answer.errors?.[0]?.extensions.code).toBe('BAD_REQUEST')
  }
  const { data } = await alice.send('{ viewer { actor { displayName } } }')
  expect(data).toEqual({ viewer: { actor: { displayName: 'Alice' } } })
})
