import { expect } from 'vitest'
import { DeleteAccountDocument, RefreshTokensDocument } from '../../../gql/graphql.ts'
import { test } from '../../../kit/clocked.ts'
import { signIn } from '../../../kit/people.ts'

test('a copied token of a session that outlived its account is told to nobody', async ({
  clocked: server,
  alice,
  anonymous,
}) => {
  const { app, clock, mails } = server
  const refresh = async (refreshToken: string) =>
    (await anonymous.mutate(RefreshTokensDocument, { input: { refreshToken } })).refreshTokens
  const { refreshToken } = alice.tokens
  expect((await refresh(refreshToken)).__typename).toBe('AuthPayload')
  // The session is over and so no longer among those that the account's end takes along.
  clock.advance({ days: 8 })
  const again = await signIn(server, alice.email)
  await again.mutate(DeleteAccountDocument, { input: { password: alice.password } })
  await again.close()

  expect((await refresh(refreshToken)).__typename).toBe('InvalidRefreshToken')
  await app.platform.jobs.idle(15_000)
  expect(mails.sent.filter(({ to }) => to.endsWith('.invalid'))).toEqual([])
})
