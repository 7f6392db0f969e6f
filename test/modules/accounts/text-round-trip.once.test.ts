import { expect, vi } from 'vitest'
import {
  ChangePasswordDocument,
  LoginDocument,
  UpdateProfileDocument,
  type UpdateProfileInput,
  ViewerDocument,
} from '../../gql/graphql.ts'
import type { Client, Response } from '../../kit/client.ts'
import { naughtyStrings } from '../../kit/naughty.ts'
import { test } from '../../kit/test.ts'

// Every naughty string there is a list of, and some of our own, as everything a person may type about themselves.

const flags = ['👩‍👩‍👧‍👦 family', '🏴󠁧󠁢󠁥󠁮󠁧󠁿🇺🇳', '👍🏽👍🏿', '🫠🪿'] // of several code points each
const combined = ['e\u0301te\u0301', 'été', 'Z̸̧a̵l͢g͞o̡', 'ก็ก็', '\u1100\u1161\u11a8', '각', 'ﬁle ﬂow', 'İstanbul ıI']
const edges = [
  '\u00a0no-break\u00a0',
  '\ufefffirst',
  'a\u200bb',
  'a\u200db',
  'x\u0000y',
  'half\ud83d',
  '\ude00half',
  '\u202eright',
  '\u2028line',
  '\u0085next',
  '\u007fdel',
]
const strings = [...naughtyStrings, ...flags, ...combined, ...edges]

const isText = (text: string) => !text.includes('\0') && text.isWellFormed()
/** The rule of names, as the API's manual and its input rules have it. */
function isName(text: string): boolean {
  const trimmed = text.trim()
  const isUnfit = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u.test(trimmed)
  const { length } = [...trimmed]
  return isText(text) && length >= 2 && length <= 80 && !isUnfit
}

interface Outcome {
  readonly __typename: string
  readonly fields?: readonly { readonly path: readonly string[] }[]
}

/** What a mutation came to. @throws when it is anything but an answer with a name */
function outcomeOf<Data extends object>({ status, data, errors }: Response<Data>, text: string): Outcome {
  const shown = JSON.stringify(text)
  expect([status, errors], shown).toEqual([200, undefined])
  const [outcome] = Object.values(data ?? {}) as Outcome[]
  expect(outcome, shown).toBeTruthy()
  return outcome ?? { __typename: 'Nothing' }
}

const refusedAt = (...path: string[]) =>
  expect.objectContaining({ __typename: 'InvalidInput', fields: [expect.objectContaining({ path })] })

/** What updates of a profile come to, one after the other, ten to a document. */
async function updateEach(person: Client, inputs: readonly UpdateProfileInput[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const selection =
    '{ __typename ... on Viewer { actor { displayName ... on User { username } } } ... on InvalidInput { fields { path } } }'
  for (let start = 0; start < inputs.length; start += 10) {
    const some = inputs.slice(start, start + 10)
    const variables = some.map((_, index) => `$i${index}: UpdateProfileInput!`).join(', ')
    const fields = some.map((_, index) => `u${index}: updateProfile(input: $i${index}) ${selection}`).join('\n')
    const answer = await person.send<Record<string, Outcome | null>, object>(
      `mutation (${variables}) { ${fields} }`,
      Object.fromEntries(some.map((input, index) => [`i${index}`, input])),
    )
    expect([answer.status, answer.errors], JSON.stringify(some)).toEqual([200, undefined])
    outcomes.push(...some.map((_, index) => answer.data?.[`u${index}`] ?? { __typename: 'Nothing' }))
  }
  return outcomes
}

// Five hundred strings each way with FULL=1.
vi.setConfig({ testTimeout: 90_000 })

test('a display name comes back as it was typed but for the blanks around it, or is refused by name', async ({
  alice,
}) => {
  const outcomes = await updateEach(
    alice,
    strings.map((displayName) => ({ displayName })),
  )
  for (const [index, text] of strings.entries()) {
    const expected = isName(text)
      ? expect.objectContaining({ actor: expect.objectContaining({ displayName: text.trim() }) })
      : refusedAt('displayName')
    expect(outcomes[index], JSON.stringify(text)).toEqual(expected)
  }
  expect(strings.filter(isName).length).toBeGreaterThan(strings.length * 0.6)
})

test('preferences come back byte for byte, as values and as keys', async ({ alice }) => {
  for (let start = 0; start < strings.length; start += 20) {
    const some = strings.slice(start, start + 20)
    const texts = some.filter(isText)
    const preferences = { texts, ...Object.fromEntries(texts.map((text, index) => [`${index} ${text}`, text])) }
    const answer = await alice.send(UpdateProfileDocument, { input: { preferences } })
    expect(outcomeOf(answer, texts.join()), texts.join()).toMatchObject({ __typename: 'Viewer' })
    expect((await alice.query(ViewerDocument, {})).viewer?.preferences).toEqual(preferences)
  }
  for (const text of strings.filter((one) => !isText(one))) {
    const value = await alice.send(UpdateProfileDocument, { input: { preferences: { deep: [text] } } })
    expect(outcomeOf(value, text)).toEqual(refusedAt('preferences', 'deep', '0'))
    const key = await alice.send(UpdateProfileDocument, { input: { preferences: { [text]: 1 } } })
    expect(outcomeOf(key, text).__typename).toBe('InvalidInput')
  }
})

test('a username is of its few characters or refused by name', async ({ alice }) => {
  const outcomes = await updateEach(
    alice,
    strings.map((username) => ({ username })),
  )
  for (const [index, text] of strings.entries()) {
    const expected = /^[A-Za-z0-9_.-]{3,32}$/.test(text)
      ? expect.objectContaining({ actor: expect.objectContaining({ username: text }) })
      : refusedAt('username')
    expect(outcomes[index], JSON.stringify(text)).toEqual(expected)
  }
})

test('nothing that can be typed where one signs in is more than wrong', async ({ anonymous }) => {
  for (const text of strings.filter((one, index) => index % 4 === 0 || !isText(one))) {
    const input = { identifier: text, password: text }
    const { __typename: outcome } = outcomeOf(await anonymous.send(LoginDocument, { input }), text)
    const isTried = isText(text) && [...text].length <= 254
    expect(['InvalidCredentials', 'AccountLocked'].includes(outcome), JSON.stringify(text)).toBe(isTried)
    if (!isTried) expect(outcome).toBe('InvalidInput')
  }
})

async function change(person: Client, currentPassword: string, newPassword: string): Promise<Outcome> {
  const answer = await person.send(ChangePasswordDocument, { input: { currentPassword, newPassword } })
  return outcomeOf(answer, newPassword)
}

test('a password of any text is the one that was set, to the last character', { timeout: 120_000 }, async ({
  server,
  alice,
}) => {
  let current = alice.password
  // Each is three hashes: every third of them, another third each day, unless FULL=1.
  const third = Math.floor(Date.now() / 86_400_000) % 3
  for (const [index, text] of strings.entries()) {
    if (process.env.FULL !== '1' && index % 3 !== third) continue
    // With what makes it no common one.
    const next = `Aa1-${text}-Ocean`
    const outcome = await change(alice, current, next)
    if (!isText(text)) {
      expect(outcome).toEqual(refusedAt('newPassword'))
      continue
    }
    expect(outcome.__typename, JSON.stringify(text)).toBe('Viewer')
    const almost = next.replace(/-Ocean$/, '-ocean')
    const { passwords } = server.app.platform
    expect(await passwords.verify(await passwords.hash(next), almost), JSON.stringify(text)).toBe(false)
    // The same at the door, for some: each attempt is a request.
    if (index % 10 === 0) expect((await change(alice, almost, 'Never-Set-1')).__typename).toBe('InvalidCredentials')
    current = next
  }
})

test('a password may be 1,024 characters long, of whatever kind, and each of them counts', async ({
  alice,
  anonymous,
}) => {
  const longest = {
    ascii: `Aa1-${'abcdefghij'.repeat(102)}`,
    emoji: `Aa1-${'😀🪿'.repeat(510)}`,
    mixed: `Aa1-${'e\u0301ß海😀'.repeat(204)}`,
  }
  let current = alice.password
  for (const [kind, password] of Object.entries(longest)) {
    const characters = [...password]
    expect(characters.length, kind).toBe(1_024)
    expect(await change(alice, current, `${password}x`), kind).toEqual(refusedAt('newPassword'))
    expect((await change(alice, current, password)).__typename, kind).toBe('Viewer')
    const others = [
      characters.slice(0, -1),
      characters.with(-1, '😁'),
      characters.with(512, 'Q'),
      characters.with(0, 'a'),
      [...password.normalize('NFD').toUpperCase()],
    ]
    for (const other of others) {
      const login = { identifier: alice.email, password: other.join('').slice(0, 2_048) }
      const { __typename: outcome } = outcomeOf(await anonymous.send(LoginDocument, { input: login }), kind)
      expect(outcome, kind).toBe('InvalidCredentials')
      const right = await anonymous.send(LoginDocument, { input: { identifier: alice.email, password } })
      expect(outcomeOf(right, kind).__typename, kind).toBe('AuthPayload')
    }
    current = password
  }
})
