import { expect } from 'vitest'
import { extractiveModel } from '../../../../src/modules/chat/assistant/extractive.service.ts'
import { type ModelMessage, modelRequest } from '../../../../src/platform/models.ts'
import { contextOf, indexed, setRole } from '../../../kit/inside.ts'
import { test } from '../../../kit/test.ts'
import { answerOf, ask, byWordsAlone, expectCited, nothing, publish, publishIn } from './stage.ts'

test('an answer is quoted from the pages, with the page and the block of each sentence', async ({ server, alice }) => {
  const leave = await publish(
    alice,
    'Parental leave',
    'Every parent may take it, whatever the contract. It is a right and no favour.',
    'It is 16 weeks. Pay goes on in full.',
    'Tell the people team three months before it begins.',
  )
  const travel = await publish(alice, 'Travel', 'A hotel may cost 140 euros a night.', 'Leave the car at home.')
  const answer = await ask(server, alice, 'How long is parental leave?')
  expectCited(answer, leave, travel)
  expect(answer.quotes[0]).toBe('It is 16 weeks.')
  expect(answer.quotes.length).toBeGreaterThanOrEqual(2)
  expect(answer.quotes.length).toBeLessThanOrEqual(5)
  expect(answer.text).toMatch(/^From your pages:\n\n- Parental leave: “It is 16 weeks\.”\n- /)
  expect(answer.sources.every(({ pageId }) => pageId === leave.pageId)).toBe(true)
})

test('a heading says what the sentences under it are about, and is none itself', async ({ server, alice }) => {
  const page = await publish(
    alice,
    'Benefits',
    '# Sabbatical',
    'After 4 years everybody may take 6 weeks.',
    '# Gym',
    'We pay half of it, up to 30 euros.',
  )
  const answer = await ask(byWordsAlone(server), alice, 'how long are sabbaticals')
  expectCited(answer, page)
  expect(answer.quotes).toEqual(['After 4 years everybody may take 6 weeks.'])
})

test('a question that stands in a page is no answer', async ({ server, alice }) => {
  await publish(alice, 'To ask', 'Where is the anchor?')
  const page = await publish(alice, 'Gear', 'The anchor is in the shed.')
  const answer = await ask(server, alice, 'Where is the anchor?')
  expectCited(answer, page)
  expect(answer.quotes).toEqual(['The anchor is in the shed.'])
})

test('words match in all their forms, and rare words say more than common ones', async ({ server, alice }) => {
  const rest = Array.from({ length: 12 }, (_, index) => `The team of floor ${index} meets the team of another floor.`)
  const page = await publish(alice, 'Notes', ...rest, 'Escalations are made by the team captain, Ines Ferrer.')
  const answer = await ask(byWordsAlone(server), alice, 'Which team member escalated?')
  expectCited(answer, page)
  expect(answer.quotes[0]).toContain('Ines Ferrer')
})

test('what two pages say in the same words is quoted once, unless the numbers differ', async ({ server, alice }) => {
  const pages = [
    await publish(alice, 'One', 'Backups are kept for 35 days in the vault.'),
    await publish(alice, 'Two', 'Backups are kept for 35 days in the vault!'),
    await publish(alice, 'Three', 'Backups are kept for 90 days in the vault.'),
  ]
  const answer = await ask(server, alice, 'How long are backups kept?')
  expectCited(answer, ...pages)
  expect(answer.quotes.map((quote) => quote.replace('!', '.')).toSorted()).toEqual([
    'Backups are kept for 35 days in the vault.',
    'Backups are kept for 90 days in the vault.',
  ])
})

test('five sentences are quoted at most, of a page that has many', async ({ server, alice }) => {
  const texts = Array.from({ length: 30 }, (_, index) => `Rule ${index} of mooring concerns pier ${index * 7}.`)
  const page = await publish(alice, 'Mooring', ...texts)
  const answer = await ask(server, alice, 'What are the rules of mooring?')
  expectCited(answer, page)
  expect(answer.quotes).toHaveLength(5)
})

test('what stands in no page is not answered', async ({ server, alice }) => {
  await publish(alice, 'Travel', 'A hotel may cost 140 euros a night.')
  expect(await ask(server, alice, 'Who won the chess olympiad of 1972?')).toEqual({
    text: nothing,
    quotes: [],
    sources: [],
  })
})

test('a question with no words of its own goes on with the one before it; one with its own does not', async ({
  server,
  alice,
}) => {
  const page = await publish(alice, 'Lighthouse', 'The lighthouse was built in 1911.', 'The harbour opened in 1870.')
  expect((await ask(server, alice, 'When was the lighthouse built?', 'And why is that?')).quotes[0]).toContain('1911')
  const answer = await ask(server, alice, 'When was the lighthouse built?', 'And the harbour?')
  expectCited(answer, page)
  expect(answer.quotes[0]).toContain('1870')
})

test('nothing is said of other organizations, to guests or to nobody', async ({ server, alice, bob, stranger }) => {
  const page = await publish(alice, 'Canary', 'The canary sings at pier 31337.', '# Canary', 'It is yellow.')
  const own = await publish(stranger, 'Birds', 'No canary lives here.')
  expectCited(await ask(server, bob, 'Where does the canary sing?'), page)
  const answer = await ask(server, stranger, 'Where does the canary sing?')
  expect(answer.text).not.toMatch(/31337|yellow/)
  for (const source of answer.sources) expect(source.pageId).toBe(own.pageId)
  await setRole(server, bob, 'GUEST')
  for (const person of [bob, null]) {
    expect((await ask(server, person, 'Where does the canary sing?')).quotes).toEqual([])
  }
})

const scripts = [
  ['育儿假有多长？', '育儿假', '员工可以休十六周。', '食堂在二楼，每天十二点开门。'],
  ['육아휴직은 며칠인가요?', '휴가', '육아휴직을 112일 쓸 수 있습니다.', '식당은 2층에 있습니다.'],
  ['育児休暇は何週間ですか？', '育児休暇', '十六週間取れます。', '食堂は二階にあります。'],
  ['ลาคลอดกี่วัน', 'สวัสดิการ', 'พนักงานลาคลอดได้ 98 วัน', 'โรงอาหารอยู่ชั้นสอง'],
  ['Wie lange dauert die Elternzeit?', 'Urlaub', 'Die Elternzeit dauert 16 Wochen.', 'Die Kantine ist oben.'],
] as const

for (const [question, title, fact, other] of scripts) {
  test(`${question} is answered in its own script`, async ({ server, alice }) => {
    const page = await publish(alice, title, fact)
    await publish(alice, '食堂', other)
    const answer = await ask(server, alice, question)
    expectCited(answer, page)
    expect(answer.quotes).toEqual([fact])
  })
}

const languages = [
  [
    'de',
    'Welche Regel gilt in jedem Haus?',
    'Wohnen',
    'Ab 22 Uhr ist es in allen Häusern still.',
    'Die Kantine ist oben.',
  ],
  ['fr', 'Quel cheval est le plus vieux ?', 'Écurie', 'Le plus vieux des chevaux a 31 ans.', 'La cantine est en haut.'],
  ['ru', 'Где лежат ключи?', 'Склад', 'Запасной ключ висит у двери.', 'Столовая наверху.'],
  ['ar', 'أين هاتف الطوارئ؟', 'مكتب', 'الهاتف في الخزانة الزرقاء.', 'المطبخ في الطابق الثاني.'],
] as const

for (const [language, question, title, fact, other] of languages) {
  test(`${question} is answered by what has its words in other forms of their language`, async ({ server, alice }) => {
    const page = await publishIn(language, alice, title, fact)
    await publishIn(language, alice, 'x', other)
    const answer = await ask(server, alice, question)
    expectCited(answer, page)
    expect(answer.quotes).toEqual([fact])
  })
}

test('what says nothing in the language of a page asks for nothing there', async ({ server, alice }) => {
  const page = await publishIn('de', alice, 'Vertrag', 'Eine Kündigung kommt per Post.')
  await publish(alice, 'Contract', 'We die a little whenever someone leaves.')
  const answer = await ask(server, alice, 'Wie ist das denn mit der Kündigung, die du bei ihm hast?')
  expectCited(answer, page)
  expect(answer.quotes).toEqual(['Eine Kündigung kommt per Post.'])
})

test('of several things that are meant a mistyped word tells which, and none by itself', async ({ server, alice }) => {
  const page = await publish(alice, 'Parental leave', 'Of leave there are 16 weeks.')
  await publish(alice, 'Sick leave', 'It is paid from the first day, leave or no leave.')
  const answer = await ask(server, alice, 'How is parentel leave?')
  expectCited({ ...answer, quotes: answer.quotes.slice(0, 1) }, page)
  expect((await ask(server, alice, 'Any parentel?')).text).toBe(nothing)
})

const garbage = [
  '',
  ' \n\t ',
  '?',
  "' or 1=1 --",
  `"'\\;$1 \\' \\" %s \${x}`,
  ':*&|!()<->',
  'sword:* & !shield | (<-> helm',
  '"unclosed phrase -minus or',
  'or or or or',
  'the and of to is',
  '👩‍👩‍👧🌊🇳🇱',
  '\u202e\ufeff\u200b\u0301',
  '\ud800 nul\0 \udfff',
  'ש"ס \u0627\u0644\u0639',
  "l'été d''en haut don't",
  'a@b.c /etc/passwd 10.0.0.1 v2.1-rc.3 https://x.example/?a=b&c=%00',
  'x'.repeat(32_000),
  'words and '.repeat(3_200),
  Array.from({ length: 5_000 }, (_, index) => `w${index}`).join(' '),
  '育'.repeat(32_000),
  '🌊'.repeat(16_000),
]

test('whatever is asked is answered, with nothing when it asks for nothing', async ({ server, alice }) => {
  await publish(alice, `Kraken's "page" \\`, '🌊 waves <b>&amp;</b> \\ %', '# ', '')
  await indexed(server, alice)
  const ctx = await contextOf(server, alice)
  for (const question of garbage) {
    const answer = await answerOf(ctx, [question])
    expect({ question: question.slice(0, 40), quotes: answer.quotes }).toMatchObject({ quotes: [] })
    expect(answer.text).not.toBe('')
  }
})

test('texts that are hard to quote are quoted as they stand', async ({ server, alice }) => {
  const long = `kraken ${'tentacle '.repeat(2_000)}`.trim()
  const page = await publish(alice, '', `Dr. Kraken's "beak" costs 1.5 \\ 'gold'; e.g. -- nothing.\nNext line.`, long)
  const answer = await ask(server, alice, 'kraken?')
  expectCited(answer, page)
  expect(answer.text).toContain('- Untitled: “')
  expect(answer.quotes).toContain(`Dr. Kraken's "beak" costs 1.5 \\ 'gold'; e.g. -- nothing.`)
  expect(Math.max(...answer.quotes.map((quote) => quote.length))).toBeLessThanOrEqual(400)
})

test('it comes by the word, and ends soon after it is told to', async ({ server, alice }) => {
  await publish(
    alice,
    'Mooring',
    ...Array.from({ length: 9 }, (_, index) => `${index}: ${'mooring line '.repeat(20)}.`),
  )
  await indexed(server, alice)
  const ctx = await contextOf(server, alice)
  const messages: ModelMessage[] = [{ role: 'user', content: 'mooring line' }]
  const abort = new AbortController()
  const pieces: string[] = []
  let abortedAt = 0
  const reading = (async () => {
    for await (const part of extractiveModel.stream(ctx, modelRequest({ messages }), abort.signal)) {
      if (part.type === 'text') pieces.push(part.text)
      if (pieces.length < 8 || abort.signal.aborted) continue
      abortedAt = performance.now()
      abort.abort()
    }
  })()
  await expect(reading).rejects.toThrow(/abort/i)
  expect(performance.now() - abortedAt).toBeLessThan(1_000)
  expect(pieces).toEqual([
    'From ',
    'your ',
    'pages:\n',
    '\n',
    '- ',
    'Mooring: ',
    expect.any(String),
    expect.any(String),
  ])
  const never = extractiveModel.stream(ctx, modelRequest({ messages }), AbortSignal.abort())
  await expect(never[Symbol.asyncIterator]().next()).rejects.toThrow(/abort/i)
})
