import { test as base, expect } from 'vitest'
import { createLog } from '../../../../src/platform/log.ts'
import { SearchDocument, type SearchMode } from '../../../gql/graphql.ts'
import { indexed } from '../../../kit/inside.ts'
import { naughtyStrings } from '../../../kit/naughty.ts'
import { type Person, signUp } from '../../../kit/people.ts'
import { startServer, type TestServer } from '../../../kit/server.ts'
import { createPage, write } from '../../../kit/test.ts'
import { make } from '../../ocean/pages/stage.ts'
import { foundIds, searched, standingOut } from './stage.ts'

// Whatever somebody searches for, and whatever was written: an answer, or a refusal that says why; never a failure, and
// nothing for the log.

interface Stage {
  readonly server: TestServer
  readonly alice: Person
  /** What the server has complained of so far. */
  readonly complaints: readonly string[]
}

const test = base.extend<{ stage: Stage }>({
  stage: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names a fixture needs from its first parameter
    async ({}, use) => {
      const complaints: string[] = []
      const log = createLog({ level: 'warn', destination: { write: (line: string) => void complaints.push(line) } })
      const server = await startServer({ log })
      const alice = await signUp(server, 'Alice')
      const page = await createPage(alice, 'Ordinary words')
      await write(alice, page.id, 'Something ordinary: 100% of it_em a & b | c ! d', 'Ünïcödé 海洋 and 🌊')
      await indexed(server, alice)
      await use({ server, alice, complaints })
      await alice.close()
      await server.close()
    },
    { scope: 'file' },
  ],
})

const modes: readonly SearchMode[] = ['LEXICAL', 'SEMANTIC', 'HYBRID']

/** What a search came to: its answer, or the code that it was refused with. */
async function outcome({ alice }: Stage, query: string, mode: SearchMode): Promise<'answer' | unknown> {
  const { data, errors } = await alice.send(SearchDocument, { query, mode, first: 10 })
  if (errors !== undefined) return errors[0]?.extensions.code
  for (const { node } of data?.search.edges ?? []) {
    for (const word of standingOut(node)) expect(word).not.toBe('')
    expect(node.snippet.isWellFormed()).toBe(true)
  }
  return 'answer'
}

async function expectAnswers(stage: Stage, queries: readonly string[], wanted: unknown = 'answer'): Promise<void> {
  for (const query of queries) {
    for (const mode of modes) {
      const shown = query.length > 80 ? `${query.slice(0, 80)}… (${query.length})` : query
      expect([mode, shown, await outcome(stage, query, mode)]).toEqual([mode, shown, wanted])
    }
  }
  expect(stage.complaints).toEqual([])
}

test('every naughty string is searched for', { timeout: 180_000 }, async ({ stage }) => {
  const strings = naughtyStrings
  expect(strings.length).toBeGreaterThan(100)
  // What is hybrid goes both ways; by one alone each fifth goes.
  for (const query of strings) expect([query, await outcome(stage, query, 'HYBRID')]).toEqual([query, 'answer'])
  const some = strings.filter((_, index) => index % 5 === 0)
  await expectAnswers(stage, some)
})

const operators = [
  String.raw`& ¦ | ¦ ! ¦ <-> ¦ <2> ¦ :* ¦ * ¦ ( ¦ ) ¦ () ¦ ' ¦ '' ¦ " ¦ \ ¦ \\ ¦ ; ¦ -- ¦ /* ¦ % ¦ _ ¦ %% ¦ __ ¦ \% ¦ \u0000`,
  String.raw`'a' & !'b' ¦ a\ ¦ a\' ¦ \x61 ¦ a OR b ¦ a AND NOT b ¦ -a ¦ "a b" ¦ "a b ¦ near/3 ¦ title:a ¦ +a -b ¦ \d+`,
  "a & b ¦ a | b ¦ !a ¦ !!a ¦ a <-> b ¦ a <10000> b ¦ a:* ¦ a:ABCD ¦ 'a ¦ a'b''c ¦ (a ¦ a) ¦ ((((a ¦ a & ",
  '100% ¦ it_em ¦ [a-z]* ¦ ^a$ ¦ .* ¦ (?:a ¦ a{1000000} ¦ (a+)+$ ¦ [[:alpha:]] ¦ %00 ¦ %s ¦ $1 ¦ $$ ¦ {{a}}',
  "'; drop table page; -- ¦ <b>a</b> ¦ &amp; ¦ __proto__ ¦ constructor",
].flatMap((line) => line.split(' ¦ '))
test('operators of tsquery, LIKE and regular expressions are text', async ({ stage }) => {
  await expectAnswers(stage, operators)
  const { alice } = stage
  // And none of them finds more than the words beside it.
  expect(await foundIds(alice, '%')).toEqual([])
  expect(await foundIds(alice, '*')).toEqual([])
  expect(await foundIds(alice, '!nowhere')).toEqual([])
  expect(await foundIds(alice, 'nowhere | elsewhere')).toEqual([])
  expect((await foundIds(alice, '!ordinary')).toSorted()).toEqual((await foundIds(alice, 'ordinary')).toSorted())
})

const characters = [
  '¦ ¦\n\t\r¦\u00a0\u3000¦\u200b\u200d\ufeff¦\u202e\u2066\u2069¦a\u202eb\u2066c¦\u0301¦e\u0301\u0301\u0301¦\u0001a\u0002',
  '\0¦a\0b¦ordinary\0words¦\ud83d¦\ude00a¦ordinary \ud83d\ud83d¦\uffff¦\ufdd0¦\u{10ffff}¦\u{e0001}',
  '🌊¦👩‍👩‍👧‍👦🇩🇪🏴󠁧󠁢󠁥󠁮󠁧󠁿¦!?.,;:¦…—–“”¦。、！？¦÷×€¦¹²³½¦١٢٣¦ﬁ¦İ¦ß¦ΐ¦ǰ',
].flatMap((line) => line.split('¦'))
test('characters that are no words are text, or nothing', async ({ stage }) => {
  await expectAnswers(stage, [...characters, '🌊 '.repeat(500)])
  expect((await searched(stage.alice, '')).totalCount).toBe(0)
  expect((await searched(stage.alice, ' \n ', { mode: 'HYBRID' })).totalCount).toBe(0)
  expect(await foundIds(stage.alice, 'ordinary\0words')).toEqual(await foundIds(stage.alice, 'ordinary words'))
})

const stopWords = [
  "the ¦ The ¦ the of and a ¦ to be or not to be ¦ what is it ¦ who? ¦ don't ¦ it's ¦ i ¦ a ¦ what is the",
  'der die das ¦ und ¦ le la les ¦ et ¦ el la los ¦ de ¦ и в на ¦ не ¦ που και το ¦ ve ile ¦ في من على ¦ و',
  '的 ¦ 是 ¦ 的 了 吗 ¦ 什么 ¦ は ¦ です ¦ の を に ¦ 이 그 저 ¦ 은 ¦ และ ¦ ของ ¦ के है',
].flatMap((line) => line.split(' ¦ '))
test('only words that tell nothing are searched for all the same', async ({ stage }) => {
  await expectAnswers(stage, stopWords)
  const { server, alice } = stage
  const page = await make(alice, { title: 'To Be or Not to Be' })
  const [block] = await write(alice, page.id, 'The who')
  await indexed(server, alice)
  expect((await foundIds(alice, 'to be or not to be'))[0]).toBe(page.id)
  // A text says them all the time: it is not found by them, nor is that a failure.
  expect(await foundIds(alice, 'the')).not.toContain(block)
})

const long = {
  'a word of 10,000 letters': 'x'.repeat(10_000),
  'a word of 10,000 different letters': Array.from({ length: 10_000 }, (_, index) =>
    String.fromCharCode(97 + ((index * 7) % 26)),
  ).join(''),
  '2,500 short words': 'a bc '.repeat(2_000),
  '1,600 different words': Array.from({ length: 1_600 }, (_, index) => `w${index}`)
    .join(' ')
    .slice(0, 10_000),
  '10,000 Chinese characters': '海洋图'.repeat(3_333),
  '10,000 different Chinese characters': Array.from({ length: 10_000 }, (_, index) =>
    String.fromCharCode(0x4e00 + index),
  ).join(''),
  '5,000 emojis': '🌊'.repeat(5_000),
  '10,000 combining characters': `a${'\u0301'.repeat(9_999)}`,
  '10,000 brackets': '('.repeat(10_000),
  '10,000 quotation marks': "'".repeat(10_000),
  '10,000 backslashes': '\\'.repeat(10_000),
  '10,000 spaces': ' '.repeat(10_000),
  '10,000 halves of characters': '\ud83d'.repeat(10_000),
  'an address of 10,000 characters': `https://example.org/${'a/'.repeat(4_990)}`,
  'hyphens and dots': 'a-b.c_d/e@'.repeat(1_000),
  accents: 'é'.repeat(10_000),
}
test('searches of 10,000 characters are answered, and soon', { timeout: 60_000 }, async ({ stage }) => {
  for (const [name, query] of Object.entries(long)) {
    expect([name, query.length <= 10_000]).toEqual([name, true])
    const began = performance.now()
    await expectAnswers(stage, [query])
    // In three modes, on a busy machine; what grows with the square of the length takes minutes.
    expect([name, performance.now() - began < 10_000]).toEqual([name, true])
  }
})

test('a search of 10,001 characters is refused', async ({ stage }) => {
  await expectAnswers(stage, ['x'.repeat(10_001), 'ordinary '.repeat(1_112), '海'.repeat(10_001)], 'BAD_REQUEST')
  for (const query of [null, 1, ['a'], { a: 1 }, undefined] as unknown[]) {
    const { errors } = await stage.alice.send(SearchDocument, { query: query as string })
    expect([query, errors?.[0]?.extensions.code]).toEqual([query, 'BAD_REQUEST'])
  }
  const { errors } = await stage.alice.send(SearchDocument, { query: 'a', mode: 'FUZZY' as SearchMode })
  expect(errors?.[0]?.extensions.code).toBe('BAD_REQUEST')
})

// Klingon, nothing known, of one's own, several at once, and some that are known by other names elsewhere.
const languages = 'tlh und en-x-private mul zxx zh-Hans en-GB-oxendict sr-Latn nb eo sw'.split(' ')
test('a page in a language the database knows no forms of is found as it is written', async ({ stage }) => {
  const { server, alice, complaints } = stage
  for (const language of languages) {
    const page = await make(alice, { title: `Qapla ${language}`, language })
    const [block = ''] = await write(alice, page.id, 'The nuqneH of mountains, 假期')
    await indexed(server, alice)
    for (const query of ['nuqneh', 'NUQNEH mountains', 'nuqn', 'nuqenh', '假期']) {
      expect([language, query, (await foundIds(alice, query)).includes(block)]).toEqual([language, query, true])
    }
    const hits = (await searched(alice, 'nuqneh')).edges.map(({ node }) => node)
    const hit = hits.find(({ node }) => node.id === block)
    expect([language, hit && standingOut(hit)]).toEqual([language, ['nuqneH']])
  }
  expect(complaints).toEqual([])
})

test('every naughty string that was written is indexed, and searching for it finds it or nothing', {
  timeout: 180_000,
}, async ({ stage }) => {
  const { server, alice, complaints } = stage
  const strings = [...new Set([...naughtyStrings, ...operators, ...characters, ...stopWords])].filter(
    (text) => !text.includes('\0') && text.isWellFormed(),
  )
  const page = await createPage(alice, 'Naughty')
  for (let from = 0; from < strings.length; from += 100) await write(alice, page.id, ...strings.slice(from, from + 100))
  await write(alice, page.id, 'x'.repeat(64_000), '海'.repeat(21_000), 'ab '.repeat(21_000), "'".repeat(64_000))
  await indexed(server, alice)
  for (const text of strings.filter((_, index) => index % 5 === 0)) {
    for (const { node } of (await searched(alice, text, { first: 5 })).edges) {
      for (const word of standingOut(node)) expect([text, word]).not.toEqual([text, ''])
      expect(node.snippet.isWellFormed()).toBe(true)
    }
  }
  expect(complaints).toEqual([])
})
