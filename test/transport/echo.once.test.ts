import { describe, expect } from 'vitest'
import { test } from '../kit/test.ts'
import { openSocket } from './raw-socket.ts'
import { ask } from './wire.ts'

// What a caller sends may be a password in the wrong place, and an answer lands in logs of others: no value is said back.

const CANARY = 'hunter2Canary'
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { __typename } }'
const loginWith = (identifier: string) =>
  `mutation { login(input: { identifier: ${identifier}, password: "x" }) { __typename } }`

const misplaced: Record<string, { query: string; variables?: Record<string, unknown> }> = {
  'a string for a whole input': { query: LOGIN, variables: { input: CANARY } },
  'a list for a string': { query: LOGIN, variables: { input: { identifier: [CANARY], password: CANARY } } },
  'an object for a string': { query: LOGIN, variables: { input: { identifier: { a: CANARY }, password: CANARY } } },
  'a field left out beside it': { query: LOGIN, variables: { input: { password: CANARY } } },
  'a field nobody knows beside it': {
    query: LOGIN,
    variables: { input: { identifier: 'a', password: CANARY, more: CANARY } },
  },
  'a string for a number': {
    query: 'query ($first: Int) { pages(first: $first) { nodes { id } } }',
    variables: { first: CANARY },
  },
  'a string for a number in the document': { query: `{ pages(first: "${CANARY}") { nodes { id } } }` },
  'an enum for a string in the document': { query: loginWith(CANARY) },
  'a list for a string in the document': { query: loginWith(`["${CANARY}"]`) },
  'an enum value of nothing': {
    query: `mutation { createBlocks(input: { pageId: "x", blocks: [{ text: "", type: ${CANARY} }] }) { __typename } }`,
  },
  'a string that does not end': { query: loginWith(`"${CANARY}`) },
  'a string in the place of a name': { query: `{ "${CANARY}" }` },
  'an escape that is none': { query: loginWith(`"\\${CANARY}"`) },
}

describe.for(Object.entries(misplaced))('%s', ([, body]) => {
  test('is not said back, over HTTP or over a socket', async ({ server }) => {
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const answer = await ask(server.url, { body, headers: { accept } })
      expect(answer.body.errors?.length, answer.text).toBeGreaterThan(0)
      expect(answer.text).not.toContain(CANARY)
    }
    const socket = await openSocket(server.url)
    socket.send({ type: 'connection_init' })
    await socket.next()
    socket.subscribe('1', body.query, body.variables)
    const frame = await socket.next('1')
    const told = JSON.stringify(frame)
    expect(told).toContain('"code":')
    expect(told).not.toContain(CANARY)
    socket.ws.close()
  })
})
