import { expect } from 'vitest'
import { accessTokenChecks, verifyAccessToken } from '../../../../src/modules/accounts/tokens/access-token.service.ts'
import { LogoutDocument, ProjectsDocument } from '../../../gql/graphql.ts'
import { test } from '../../../kit/clocked.ts'
import type { Person } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'

/** What the server says to a person, and how many signatures it checked for that. */
async function answerTo(server: TestServer, person: Person): Promise<[answer: string, checks: number]> {
  const before = accessTokenChecks(server.app.platform).checks
  const { errors } = await person.send(ProjectsDocument, {})
  return [errors?.[0]?.message ?? 'admitted', accessTokenChecks(server.app.platform).checks - before]
}

test('a token that is used a thousand times is checked once', async ({ clocked: server, alice }) => {
  const { platform } = server.app
  const before = accessTokenChecks(platform)
  expect(await answerTo(server, alice)).toEqual(['admitted', 1])
  for (let use = 0; use < 500; use += 1) {
    expect(await verifyAccessToken(platform, alice.tokens.accessToken)).toMatchObject({ ok: true })
  }
  // A socket's platform is not the server's own.
  const uses = Array.from({ length: 499 }, () => verifyAccessToken({ ...platform }, alice.tokens.accessToken))
  expect((await Promise.all(uses)).filter(({ ok }) => ok)).toHaveLength(499)
  const { checks, hits } = accessTokenChecks(platform)
  expect([checks - before.checks, hits - before.hits]).toEqual([1, 999])
})

test('many first uses at once share one check', async ({ clocked: server, alice }) => {
  const before = accessTokenChecks(server.app.platform).checks
  const uses = Array.from({ length: 50 }, () => verifyAccessToken(server.app.platform, alice.tokens.accessToken))
  expect((await Promise.all(uses)).every(({ ok }) => ok)).toBe(true)
  expect(accessTokenChecks(server.app.platform).checks - before).toBe(1)
})

test('a token that is known is refused when its session has ended', async ({ clocked: server, alice }) => {
  expect(await answerTo(server, alice)).toEqual(['admitted', 1])
  await alice.mutate(LogoutDocument, { input: {} })
  expect(await answerTo(server, alice)).toEqual(['This session has ended. Sign in again.', 0])
})

test('a token that is known is refused when its time is over', async ({ clocked: server, alice }) => {
  expect(await answerTo(server, alice)).toEqual(['admitted', 1])
  server.clock.advance({ minutes: 14, seconds: 50 })
  expect(await answerTo(server, alice)).toEqual(['admitted', 0])
  server.clock.advance({ seconds: 11 })
  expect((await answerTo(server, alice))[0]).toBe('The access token has expired.')
})

test('a token that was refused is checked again', async ({ clocked: server, alice }) => {
  const [header, , signature] = alice.tokens.accessToken.split('.')
  const forged = `${header}.${Buffer.from('{"sub":"user"}').toString('base64url')}.${signature}`
  const before = accessTokenChecks(server.app.platform).checks
  for (let use = 0; use < 3; use += 1) {
    expect(await verifyAccessToken(server.app.platform, forged)).toMatchObject({ ok: false })
  }
  expect(accessTokenChecks(server.app.platform).checks - before).toBe(3)
})

test('a token that is known is refused within a minute of the end of its key', async ({ clocked: server, alice }) => {
  expect(await answerTo(server, alice)).toEqual(['admitted', 1])
  await server.app.platform.database.unscoped.deleteFrom('signing_key').execute()
  server.clock.advance({ seconds: 60 })
  expect((await answerTo(server, alice))[0]).toBe('The access token is not valid.')
})
