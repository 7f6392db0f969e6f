import { expect } from 'vitest'
import {
  ChangePasswordDocument,
  LoginDocument,
  RequestPasswordResetDocument,
  ResetPasswordDocument,
} from '../../../gql/graphql.ts'
import { createTestClient } from '../../../kit/client.ts'
import { mailedToken } from '../../../kit/mails.ts'
import { entered, goodPassword, newcomer, register } from '../../../kit/newcomers.ts'
import { startServer } from '../../../kit/server.ts'
import { test } from '../../../kit/test.ts'

const everywhere = [
  { weak: 'lower-case-1', reason: 'MISSING_CHARACTERS', missing: ['an upper-case letter'] },
  { weak: 'UPPER-CASE-1', reason: 'MISSING_CHARACTERS', missing: ['a lower-case letter'] },
  { weak: 'No-Digit-Here', reason: 'MISSING_CHARACTERS', missing: ['a digit'] },
  { weak: 'NoSpecial1', reason: 'MISSING_CHARACTERS', missing: ['a special character'] },
  {
    weak: '--------',
    reason: 'MISSING_CHARACTERS',
    missing: ['an upper-case letter', 'a lower-case letter', 'a digit'],
  },
  { weak: 'Password-1', reason: 'COMMON', missing: [] },
  { weak: 'Qwerty-123!', reason: 'COMMON', missing: [] },
  { weak: 'Aa1!Aa1!Aa1!', reason: 'COMMON', missing: [] },
] as const

test.for(everywhere)(
  'the password $weak is refused by registration, change and reset alike: $reason',
  async ({ weak, reason, missing }, { server, anonymous, alice }) => {
    const refusal = { __typename: 'WeakPassword', code: 'WEAK_PASSWORD', reason, missing }
    const input = newcomer({ password: weak })
    expect(await register(anonymous, input)).toMatchObject(refusal)
    // Nothing was taken: the same address registers with a good one.
    entered(await register(anonymous, { ...input, password: goodPassword }))

    const change = { currentPassword: alice.password, newPassword: weak }
    const { changePassword } = await alice.mutate(ChangePasswordDocument, { input: change })
    expect(changePassword).toMatchObject(refusal)
    await alice.mutate(RequestPasswordResetDocument, { input: { email: alice.email } })
    const token = await mailedToken(server, alice, /reset-password/)
    const { resetPassword } = await anonymous.mutate(ResetPasswordDocument, { input: { token, newPassword: weak } })
    expect(resetPassword).toMatchObject(refusal)
    const { login } = await anonymous.mutate(LoginDocument, {
      input: { identifier: alice.email, password: alice.password },
    })
    entered(login)
  },
)

test('a password made of the words of its account is refused, and of those of another is not', async ({
  server,
  anonymous,
}) => {
  const words = { displayName: 'Wilhelmina Featherstone', username: `gadget-${process.pid}` }
  const input = newcomer({ ...words, email: `quillfeather-${process.pid}@marmaladeworks.example` })
  const own = ['Wilhelmina-1', 'Featherstone!9', `Gadget-${process.pid}!`, 'Quillfeather=7', 'MarmaladeWorks#1']
  const refusal = { __typename: 'WeakPassword', reason: 'OWN_WORDS', missing: [] }
  for (const password of own) expect(await register(anonymous, { ...input, password }), password).toMatchObject(refusal)
  const account = entered(await register(anonymous, input))
  const person = createTestClient(server.url, () => account.accessToken ?? '')
  await anonymous.mutate(RequestPasswordResetDocument, { input: { email: input.email } })
  const token = await mailedToken(server, input, /reset-password/)
  for (const newPassword of own) {
    const change = { input: { currentPassword: input.password, newPassword } }
    expect((await person.mutate(ChangePasswordDocument, change)).changePassword, newPassword).toMatchObject(refusal)
    const reset = { input: { token, newPassword } }
    expect((await anonymous.mutate(ResetPasswordDocument, reset)).resetPassword, newPassword).toMatchObject(refusal)
  }
  entered(await register(anonymous, newcomer({ password: 'Wilhelmina-1', displayName: 'Somebody Else' })))
  await person.close()
})

test('the length of a password is counted in characters and nothing of it is cut off', async ({ anonymous }) => {
  const start = 'Aa1-'
  const longest = start + '😀'.repeat(1_020)
  const input = newcomer({ password: longest })
  const tooLong = { path: ['password'], message: 'at most 1,024 characters' }
  const tooShort = { path: ['password'], message: 'at least 8 characters' }
  for (const [password, field] of [
    [`${longest}😀`, tooLong],
    [`${start}😀😀`, tooShort],
  ] as const) {
    expect(await register(anonymous, { ...input, password })).toMatchObject({
      __typename: 'InvalidInput',
      fields: [field],
    })
  }
  entered(await register(anonymous, input))
  const login = async (attempt: string) =>
    (await anonymous.mutate(LoginDocument, { input: { identifier: input.email, password: attempt } })).login.__typename
  expect(await login(longest)).toBe('AuthPayload')
  expect(await login(longest.slice(0, -2))).toBe('InvalidCredentials')
  expect(await login(longest.toLowerCase())).toBe('InvalidCredentials')
})

test('PASSWORD_RULES=length asks for no kinds of characters, and keeps the lists', async () => {
  const server = await startServer({ environment: { PASSWORD_RULES: 'length' } })
  const client = createTestClient(server.url)
  try {
    entered(await register(client, newcomer({ password: 'correct horse battery' })))
    entered(await register(client, newcomer({ password: '鲍勃喜欢大海和星星' })))
    const outcomes = []
    for (const password of ['password', 'qwertyuiop', 'quillfeather', 'short']) {
      outcomes.push(await register(client, newcomer({ password, displayName: 'Quillfeather' })))
    }
    expect(outcomes).toMatchObject([
      { __typename: 'WeakPassword', reason: 'COMMON' },
      { __typename: 'WeakPassword', reason: 'COMMON' },
      { __typename: 'WeakPassword', reason: 'OWN_WORDS' },
      { __typename: 'InvalidInput', fields: [{ path: ['password'] }] },
    ])
  } finally {
    await client.close()
    await server.close()
  }
})
