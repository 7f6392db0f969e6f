import { expect } from 'vitest'
import { PageDocument } from '../gql/graphql.ts'
import { test } from '../kit/test.ts'
import { ask } from './wire.ts'

// Several mutations in one document run one after another, each for whoever is signed in by then.

const CREATE = 'createPage(input: { title: "A page" }) { __typename }'
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const codes = (errors: readonly { extensions?: Record<string, unknown> }[] | undefined) =>
  errors?.map((error) => error.extensions?.code)

test('what one mutation did is told although the next is refused', async ({ server, alice }) => {
  const query = `mutation {
    made: ${CREATE}
    refused: createBlocks(input: { pageId: "page_01h455vb4pex5vsknk084sn02q", blocks: [{ text: "a" }] }) { __typename }
    after: ${CREATE}
  }`
  const { status, body } = await ask(server.url, { body: { query }, headers: bearer(alice.tokens.accessToken) })
  expect([status, codes(body.errors)]).toEqual([200, ['NOT_FOUND']])
  expect(body.data).toEqual({ made: { __typename: 'Page' }, refused: null, after: { __typename: 'Page' } })
})

test('who signs out is nobody for the rest of the document', async ({ server, alice }) => {
  const query = `mutation { before: ${CREATE} logout(input: {}) { __typename } after: ${CREATE} }`
  const { body } = await ask(server.url, { body: { query }, headers: bearer(alice.tokens.accessToken) })
  expect(codes(body.errors)).toEqual(['UNAUTHENTICATED'])
  expect(body.data).toMatchObject({ before: { __typename: 'Page' }, after: null })
})

test('who signs in is somebody for the rest of the document', async ({ server, alice, stranger }) => {
  const query = `mutation ($input: LoginInput!) {
    before: ${CREATE}
    login(input: $input) { ... on AuthPayload { viewer { actor { id } } } }
    after: createPage(input: { title: "Alice's" }) { ... on Page { id } }
  }`
  const body = { query, variables: { input: { identifier: alice.email, password: alice.password } } }
  const signedIn = { login: { viewer: { actor: { id: alice.userId } } }, after: { id: expect.any(String) } }
  const fromNobody = await ask(server.url, { body })
  expect(codes(fromNobody.body.errors)).toEqual(['UNAUTHENTICATED'])
  expect(fromNobody.body.data).toEqual({ before: null, ...signedIn })
  const fromAnother = await ask(server.url, { body, headers: bearer(stranger.tokens.accessToken) })
  expect(fromAnother.body).toEqual({ data: { before: { __typename: 'Page' }, ...signedIn } })
  const id = String((fromAnother.body.data?.after as { id?: string } | undefined)?.id)
  expect((await alice.query(PageDocument, { id })).page).toMatchObject({ title: "Alice's" })
  expect((await stranger.query(PageDocument, { id })).page).toBeNull()
})
