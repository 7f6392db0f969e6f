import { print } from 'graphql'
import { expect } from 'vitest'
import {
  LoginDocument,
  RegisterDocument,
  type RegisterInput,
  RequestPasswordResetDocument,
  ResendVerificationDocument,
  VerifyEmailDocument,
} from '../../../gql/graphql.ts'
import { type Client, createTestClient } from '../../../kit/client.ts'
import { mailedToken, tokenIn } from '../../../kit/mails.ts'
import { entered, goodPassword, newcomer, register } from '../../../kit/newcomers.ts'
import { post } from '../../../kit/post.ts'
import { startServer, type TestServer } from '../../../kit/server.ts'
import { test as base } from '../../../kit/test.ts'
import { ask } from '../../../transport/wire.ts'

// Where addresses have to be proven first: there is an account once the link in the mail was opened.

const test = base.extend<{ strict: TestServer; client: Client }>({
  strict: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names a fixture needs from its first parameter
    async ({}, use) => {
      const server = await startServer({ environment: { EMAIL_VERIFICATION: 'required' } })
      await use(server)
      await server.close()
    },
    { scope: 'file' },
  ],
  client: async ({ strict }, use) => {
    const client = createTestClient(strict.url)
    await use(client)
    await client.close()
  },
})

const VERIFY = /verify-email/
const times = <Value>(count: number, make: (index: number) => Value) =>
  Array.from({ length: count }, (_, index) => make(index))

/** What the mails to an address say, oldest first, once all are sent. */
async function mailsTo({ app, mails }: TestServer, email: string) {
  await app.platform.jobs.idle(15_000)
  return mails.to(email)
}

async function pendingToken(server: TestServer, client: Client, input: RegisterInput): Promise<string> {
  expect((await register(client, input)).__typename).toBe('RegistrationPending')
  return mailedToken(server, input, VERIFY)
}

async function verify(client: Client, token: string, password = goodPassword) {
  return (await client.mutate(VerifyEmailDocument, { input: { token, password } })).verifyEmail
}

/** Registers somebody and opens the link. */
async function settle(server: TestServer, client: Client, input: RegisterInput): Promise<void> {
  expect(await verify(client, await pendingToken(server, client, input))).toMatchObject({ email: input.email })
}

async function login(client: Client, { email, password }: Pick<RegisterInput, 'email' | 'password'>) {
  return (await client.mutate(LoginDocument, { input: { identifier: email, password } })).login
}

function accountsOf({ app }: TestServer, emails: readonly string[]) {
  const users = app.platform.database.unscoped.selectFrom('user').select(['username', 'display_name as displayName'])
  const keys = emails.map((email) => email.toLowerCase())
  return users.where('email_key', 'in', keys).orderBy('id').execute()
}

/** An answer but for the address in it, what changes with every request, and its time. */
async function answerTo(server: TestServer, input: RegisterInput) {
  const body = { query: print(RegisterDocument), variables: { input } }
  const { status, headers, text } = await ask(server.url, { body })
  const { date: _date, 'x-request-id': _requestId, ...rest } = headers
  return { status, headers: rest, text: text.replaceAll(input.email, 'ADDRESS') }
}

test('a new address, a known one and its other spellings are answered with the same bytes', async ({
  strict,
  client,
}) => {
  const known = newcomer()
  await settle(strict, client, known)
  const first = await answerTo(strict, newcomer({ email: known.email.replace('newcomer', 'somebody') }))
  expect(JSON.parse(first.text).data.register).toEqual({
    __typename: 'RegistrationPending',
    email: 'ADDRESS',
    expiresIn: 86_400,
  })
  for (const email of [known.email, known.email.toUpperCase(), known.email.replace('newcomer', 'NewComer')]) {
    expect(await answerTo(strict, newcomer({ email }))).toEqual(first)
  }
})

test('there is no account before the link was opened, and one after', async ({ strict, client }) => {
  const input = newcomer({ username: `pending-${process.pid}`, displayName: 'Zoë' })
  const token = await pendingToken(strict, client, input)
  expect(await accountsOf(strict, [input.email])).toEqual([])
  const attempt = (identifier: string) =>
    post(strict.url, { document: LoginDocument, variables: { input: { identifier, password: input.password } } })
  const [pending, unknown] = [await attempt(input.email), await attempt('nobody@example.org')]
  expect([pending.status, pending.text]).toEqual([unknown.status, unknown.text])
  expect(pending.text).toContain('INVALID_CREDENTIALS')

  expect(await verify(client, token)).toEqual({ __typename: 'VerifiedEmail', email: input.email })
  expect(await accountsOf(strict, [input.email])).toEqual([{ username: input.username, displayName: 'Zoë' }])
  const { viewer } = entered(await login(client, input))
  expect(viewer).toMatchObject({ role: 'OWNER', organization: { name: "Zoë's workspace" } })
})

test('the mail is a link, or word that there is an account already and no link', async ({ strict, client }) => {
  const input = newcomer({ displayName: '<b>Bobby</b>' })
  await settle(strict, client, input)
  await register(client, { ...input, email: input.email, password: 'Another-Horse-1' })
  const [link, known, ...others] = await mailsTo(strict, input.email)
  expect(others).toEqual([])
  expect(link).toMatchObject({ subject: 'Confirm your address' })
  expect(known).toMatchObject({ subject: 'You already have an account' })
  expect(JSON.stringify(known)).not.toContain('token=')
  expect(JSON.stringify([link, known])).not.toContain('Bobby')
  // Whoever registered once more changed nothing.
  expect(await login(client, { ...input, password: 'Another-Horse-1' })).toMatchObject({ code: 'INVALID_CREDENTIALS' })
  entered(await login(client, input))
})

test('of 20 posts of one token at once one makes the account', async ({ strict, client }) => {
  const input = newcomer()
  const token = await pendingToken(strict, client, input)
  const outcomes = (await Promise.all(times(20, () => verify(client, token)))).map((result) => result.__typename)
  expect(outcomes.sort()).toEqual([...Array(19).fill('InvalidToken'), 'VerifiedEmail'])
  expect(await accountsOf(strict, [input.email])).toHaveLength(1)
  expect(await verify(client, token)).toMatchObject({ code: 'INVALID_TOKEN' })
})

test('of two registrations of one address whose links are opened at once one becomes the account', async ({
  strict,
  client,
}) => {
  for (let round = 0; round < 3; round++) {
    const first = newcomer({ displayName: 'First' })
    const second = { ...first, displayName: 'Second', password: 'Another-Horse-2', email: first.email.toUpperCase() }
    const tokens = [await pendingToken(strict, client, first), await pendingToken(strict, client, second)]
    const outcomes = (
      await Promise.all(tokens.map((token, at) => verify(client, token, at === 0 ? first.password : second.password)))
    ).map(({ __typename }) => __typename)
    expect(outcomes.toSorted()).toEqual(['InvalidToken', 'VerifiedEmail'])
    const [winner, loser] = outcomes[0] === 'VerifiedEmail' ? [first, second] : [second, first]
    expect(await accountsOf(strict, [first.email])).toEqual([{ username: null, displayName: winner.displayName }])
    entered(await login(client, winner))
    expect((await login(client, loser)).__typename).toBe('InvalidCredentials')
    for (const token of tokens) expect((await verify(client, token)).__typename).toBe('InvalidToken')
  }
})

test('whoever registers the address of somebody else gets no account by their click', async ({ strict, client }) => {
  const theirs = newcomer()
  const own = { ...theirs, password: 'Attacker-Horse-3' }
  const [planted, asked] = [await pendingToken(strict, client, own), await pendingToken(strict, client, theirs)]
  for (const password of [theirs.password, '', 'x'])
    expect(await verify(client, planted, password)).toMatchObject({ code: 'INVALID_CREDENTIALS' })
  expect(await accountsOf(strict, [theirs.email])).toEqual([])
  expect((await verify(client, asked, theirs.password)).__typename).toBe('VerifiedEmail')
  expect((await login(client, own)).__typename).toBe('InvalidCredentials')
  entered(await login(client, theirs))
})

test('a username that was taken meanwhile is left out of the account', async ({ strict, client }) => {
  const username = `Wanted-${process.pid}`
  const [first, second] = [newcomer({ username }), newcomer({ username: username.toUpperCase() })]
  const tokens = [await pendingToken(strict, client, first), await pendingToken(strict, client, second)]
  for (const token of tokens) expect((await verify(client, token)).__typename).toBe('VerifiedEmail')
  const accounts = await accountsOf(strict, [first.email, second.email])
  expect(accounts.map((account) => account.username)).toEqual([username, null])
  expect(await register(client, newcomer({ username }))).toMatchObject({ code: 'USERNAME_TAKEN' })
})

test('of ten registrations of one username whose links are opened at once all become accounts and one has it', async ({
  strict,
  client,
}) => {
  const username = `Raced-${process.pid}`
  const inputs = times(10, () => newcomer({ username }))
  const tokens: string[] = []
  for (const input of inputs) tokens.push(await pendingToken(strict, client, input))
  const outcomes = await Promise.all(tokens.map((token) => verify(client, token)))
  expect(outcomes.map((outcome) => outcome.__typename)).toEqual(Array(10).fill('VerifiedEmail'))
  const accounts = await accountsOf(
    strict,
    inputs.map(({ email }) => email),
  )
  expect(accounts.map((account) => account.username).filter((name) => name !== null)).toEqual([username])
  expect(accounts).toHaveLength(10)
})

test('a link works for a day and not a moment longer', async ({ strict, client }) => {
  const [early, late] = [newcomer(), newcomer()]
  const tokens = [await pendingToken(strict, client, early), await pendingToken(strict, client, late)]
  strict.clock.advance({ seconds: 86_400 - 60 })
  expect((await verify(client, tokens[0] ?? '')).__typename).toBe('VerifiedEmail')
  strict.clock.advance({ seconds: 60 })
  expect((await verify(client, tokens[1] ?? '')).__typename).toBe('InvalidToken')
  expect(await accountsOf(strict, [late.email])).toEqual([])
})

test('no token of another purpose proves an address', async ({ strict, client }) => {
  const input = newcomer()
  const used = await pendingToken(strict, client, input)
  await verify(client, used)
  const { accessToken, refreshToken, deviceToken } = entered(await login(client, input))
  await client.mutate(RequestPasswordResetDocument, { input: { email: input.email } })
  const reset = await mailedToken(strict, input, /reset-password/)
  for (const token of [reset, accessToken, refreshToken, deviceToken, used, '', 'x', 'x'.repeat(8_000)]) {
    expect(await verify(client, token ?? '')).toMatchObject({ __typename: 'InvalidToken', code: 'INVALID_TOKEN' })
  }
})

test('a link can be mailed again, and nobody is told whether it was', async ({ strict, client }) => {
  const [pending, known] = [newcomer(), newcomer()]
  const older = await pendingToken(strict, client, pending)
  await settle(strict, client, known)
  const resend = (email: string) =>
    post(strict.url, { document: ResendVerificationDocument, variables: { input: { email } } })
  const answers = [await resend(pending.email), await resend(known.email), await resend('nobody@example.org')].map(
    ({ status, text }) => [status, text],
  )
  for (const answer of answers) expect(answer).toEqual(answers[0])
  const links = await mailsTo(strict, pending.email)
  expect(links.map((mail) => mail.subject)).toEqual(Array(2).fill('Confirm your address'))
  expect(await mailsTo(strict, known.email)).toHaveLength(1)
  expect(strict.mails.to('nobody@example.org')).toEqual([])

  expect((await verify(client, tokenIn(links[1]?.text ?? ''))).__typename).toBe('VerifiedEmail')
  expect((await verify(client, older)).__typename).toBe('InvalidToken')
})

test('an address is mailed about three registrations in an hour at most, known or not, and nobody is told', async ({
  strict,
  client,
}) => {
  const known = newcomer()
  await settle(strict, client, known)
  strict.clock.advance({ hours: 1 })
  const before = (await mailsTo(strict, known.email)).length
  const unknown = newcomer({ email: known.email.replace('newcomer', 'somebody') })
  const texts = new Set<string>()
  for (let round = 0; round < 5; round++) {
    for (const input of [known, unknown]) texts.add(JSON.stringify(await answerTo(strict, input)))
  }
  expect(texts.size).toBe(1)
  expect(await mailsTo(strict, known.email)).toHaveLength(before + 3)
  expect(await mailsTo(strict, unknown.email)).toHaveLength(3)
  strict.clock.advance({ hours: 1 })
  await register(client, unknown)
  expect(await mailsTo(strict, unknown.email)).toHaveLength(4)
})

test('an account from before addresses had to be proven gets in when its own is, and only the right password tells why not', async ({
  strict,
  client,
}) => {
  const input = newcomer()
  await settle(strict, client, input)
  await strict.app.platform.database.unscoped
    .updateTable('user')
    .set({ email_verified_at: null })
    .where('email_key', '=', input.email)
    .execute()
  expect(await login(client, { ...input, password: 'Wrong-Horse-1' })).toMatchObject({ code: 'INVALID_CREDENTIALS' })
  expect(await login(client, input)).toEqual({
    __typename: 'EmailUnverified',
    code: 'EMAIL_UNVERIFIED',
    message: expect.any(String),
  })
  const sessions = strict.app.platform.database.unscoped
    .selectFrom('device_session')
    .innerJoin('user', 'user.id', 'device_session.user_id')
    .where('user.email_key', '=', input.email)
  expect(await sessions.select('device_session.id').execute()).toEqual([])

  await client.mutate(ResendVerificationDocument, { input: { email: input.email } })
  expect((await verify(client, await mailedToken(strict, input, VERIFY))).__typename).toBe('VerifiedEmail')
  entered(await login(client, { ...input, password: goodPassword }))
})
