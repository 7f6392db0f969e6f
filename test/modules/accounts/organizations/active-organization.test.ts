import { expect } from 'vitest'
import { LeaveOrganizationDocument, ViewerDocument } from '../../../gql/graphql.ts'
import { endMembership } from '../../../kit/inside.ts'
import { found, join, switchTo } from '../../../kit/organizations.ts'
import { type Person, signIn, uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { admission, renewed } from '../../../kit/sessions.ts'
import { test } from '../../../kit/test.ts'

async function organizationsOf({ app }: TestServer, { userId }: Person): Promise<string[]> {
  const { unscoped } = app.platform.database
  const memberships = unscoped.selectFrom('membership').select('organization_id as id')
  const rows = await memberships.where('user_id', '=', uuidIn(userId)).execute()
  return rows.map(({ id }) => id)
}

async function whereIs(person: Person): Promise<string | undefined> {
  return (await person.query(ViewerDocument, {})).viewer?.organization.id
}

test('who lost their organization goes on in the one they joined first', async ({ server, alice, stranger }) => {
  const second = await found(stranger, 'Second')
  await join(server, alice, stranger)
  await switchTo(stranger, alice.organizationId)
  await endMembership(server, { ...stranger, organizationId: alice.organizationId })
  expect(await admission(stranger)).toBe('You are no longer a member of this organization.')
  stranger.tokens.accessToken = (await renewed(stranger, stranger.tokens.refreshToken)).accessToken
  expect(await whereIs(stranger)).toBe(stranger.organizationId)
  await endMembership(server, stranger)
  const again = await signIn(server, stranger.email)
  expect(again.organizationId).toBe(second)
  await again.close()
})

test('who is a member of none gets a workspace of their own, and one alone', async ({ server, alice, stranger }) => {
  await endMembership(server, stranger)
  expect(await organizationsOf(server, stranger)).toEqual([])
  const { refreshToken } = stranger.tokens
  const tokens = await Promise.all(Array.from({ length: 10 }, () => renewed(stranger, refreshToken)))
  stranger.tokens.accessToken = tokens[0]?.accessToken ?? ''
  expect(await organizationsOf(server, stranger)).toHaveLength(1)
  const { viewer } = await stranger.query(ViewerDocument, {})
  expect(viewer).toMatchObject({ role: 'OWNER', organization: { name: "Stranger's workspace" } })
  expect(viewer?.organization.id).not.toBe(stranger.organizationId)

  const membershipId = await join(server, alice, stranger)
  await endMembership(server, { ...stranger, organizationId: viewer?.organization.id ?? '' })
  const [again, elsewhere] = await Promise.all([signIn(server, stranger.email), signIn(server, stranger.email)])
  expect([again.organizationId, elsewhere.organizationId]).toEqual([alice.organizationId, alice.organizationId])
  await again.mutate(LeaveOrganizationDocument, { input: { id: membershipId } })
  const signIns = await Promise.all(Array.from({ length: 4 }, () => signIn(server, stranger.email)))
  expect(new Set(signIns.map(({ organizationId }) => organizationId)).size).toBe(1)
  for (const person of [again, elsewhere, ...signIns]) await person.close()
})
