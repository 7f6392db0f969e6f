import { print } from 'graphql'
import { expect } from 'vitest'
import { SwitchOrganizationDocument, ViewerDocument } from '../../../gql/graphql.ts'
import { trailOf } from '../../../kit/inside.ts'
import { found, foundAndDelete, join, switchTo } from '../../../kit/organizations.ts'
import { post } from '../../../kit/post.ts'
import { renewed } from '../../../kit/sessions.ts'
import { createPage, test } from '../../../kit/test.ts'

test('one acts in another organization, with the role one has there, and refreshes into it', async ({
  server,
  alice,
  stranger,
}) => {
  await join(server, alice, stranger, 'VIEWER')
  const before = await switchTo(stranger, alice.organizationId)
  const { viewer } = await stranger.query(ViewerDocument, {})
  expect(viewer).toMatchObject({ role: 'VIEWER', organization: { id: alice.organizationId } })
  expect(viewer?.permissions).not.toContain('page.create')
  const tokens = await renewed(stranger, stranger.tokens.refreshToken)
  stranger.tokens.accessToken = tokens.accessToken
  expect((await stranger.query(ViewerDocument, {})).viewer?.organization.id).toBe(alice.organizationId)
  // The token for the other one is good until it expires: another window goes on.
  stranger.tokens.accessToken = before
  expect(await createPage(stranger, 'Mine')).toMatchObject({ id: expect.any(String) })
})

test('the rest of the document acts there, and the answer brings no refresh token', async ({ alice }) => {
  const organizationId = await found(alice, 'Next')
  const text = `mutation ($input: SwitchOrganizationInput!) {
    switchOrganization(input: $input) { ... on AuthPayload { refreshToken deviceToken viewer { organization { name } } } }
    createProject(input: { name: "There" }) { ... on Project { owner { id } } }
  }`
  const { data } = await alice.send(text, { input: { organizationId } })
  expect(data).toEqual({
    switchOrganization: { refreshToken: null, deviceToken: null, viewer: { organization: { name: 'Next' } } },
    createProject: { owner: { id: alice.userId } },
  })
  await switchTo(alice, organizationId)
  const { data: there } = await alice.send('{ projects { nodes { name } } }')
  expect(there).toEqual({ projects: { nodes: [{ name: 'There' }] } })
})

test('nobody gets into a foreign, a deleted or no organization, and cannot tell them apart', async ({
  server,
  alice,
  stranger,
}) => {
  const deleted = await foundAndDelete(alice)
  const nothing = 'organization_01h00000000000000000000000'
  const texts = new Set<string>()
  for (const organizationId of [stranger.organizationId, deleted, nothing, alice.userId, 'garbage']) {
    const variables = { input: { organizationId } }
    const authorization = `Bearer ${alice.tokens.accessToken}`
    const answer = await post(server.url, { document: SwitchOrganizationDocument, variables, authorization })
    texts.add(answer.text.replace(answer.requestId, ''))
    expect(await trailOf(server, answer)).toMatchObject([{ action: 'session.switch', outcome: 'denied' }])
  }
  expect([...texts]).toEqual([expect.stringContaining('NOT_FOUND')])
  expect((await alice.query(ViewerDocument, {})).viewer?.organization.id).toBe(alice.organizationId)
})

test('a browser gets the new access token as a cookie', async ({ server, alice }) => {
  const input = { organizationId: await found(alice, 'By cookie'), mode: 'COOKIE' }
  const ask = (headers: Record<string, string>) =>
    fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        authorization: `Bearer ${alice.tokens.accessToken}`,
        ...headers,
      },
      body: JSON.stringify({ query: print(SwitchOrganizationDocument), variables: { input } }),
    })
  const refused = await ask({})
  expect(await refused.json()).toMatchObject({ data: { switchOrganization: { fields: [{ path: ['mode'] }] } } })
  const response = await ask({ 'x-ocean-csrf': '1' })
  expect(await response.json()).toMatchObject({
    data: { switchOrganization: { accessToken: null, viewer: { organization: { name: 'By cookie' } } } },
  })
  const cookies = response.headers.getSetCookie()
  expect(cookies).toHaveLength(1)
  alice.tokens.accessToken = /=([^;]+)/.exec(cookies[0] ?? '')?.[1] ?? ''
  expect((await alice.query(ViewerDocument, {})).viewer?.organization.name).toBe('By cookie')
})
