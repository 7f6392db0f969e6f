import { describe, expect } from 'vitest'
import { indexed } from '../../../kit/inside.ts'
import type { Person } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { createPage, test, write } from '../../../kit/test.ts'
import { make } from '../../ocean/pages/stage.ts'
import { type Hit, searched, standingOut } from './stage.ts'

/** Writes a text of its own on a new page, and answers how it is shown when it is searched for. */
async function shown(server: TestServer, person: Person, text: string, query: string): Promise<Hit> {
  const page = await createPage(person, 'Some page')
  const [id = ''] = await write(person, page.id, text)
  await indexed(server, person)
  const { edges } = await searched(person, query, { filter: { types: ['BLOCK'] } })
  const hit = edges.find(({ node }) => node.node.id === id)?.node
  if (hit === undefined) throw new Error(`${query} did not find ${text.slice(0, 200)}`)
  expectPlaces(hit)
  return hit
}

/** Demands that what stands out is in order, within the snippet, and no half of a character. */
function expectPlaces({ snippet, highlights }: Hit): void {
  let last = 0
  for (const { start, end } of highlights) {
    expect(start).toBeGreaterThanOrEqual(last)
    expect(end).toBeGreaterThan(start)
    last = end
  }
  expect(last).toBeLessThanOrEqual(snippet.length)
  expect(snippet.isWellFormed()).toBe(true)
  for (const word of standingOut({ snippet, highlights })) expect(word.isWellFormed()).toBe(true)
}

describe('what stands out is exactly the words that were looked for', () => {
  const cases: Record<string, [text: string, query: string, words: string[]]> = {
    'behind characters of two units': ['😀👩‍🚀🇩🇪 the lantern 🏮 of a lantern-maker', 'lantern', ['lantern', 'lantern']],
    'behind combining characters': ['Cafe\u0301 re\u0301sume\u0301 nai\u0308ve: a lantern', 'lantern', ['lantern']],
    'itself with combining characters': ['Un cafe\u0301 noir', 'cafe', ['café']],
    'with characters that cannot be composed': ['x\u0301y\u0302 q\u0323\u0307 a lantern', 'lantern', ['lantern']],
    'within what looks like markup': [
      '<b>lantern</b> &amp; <i class="lantern">x</i>',
      'lantern',
      ['lantern', 'lantern'],
    ],
    'behind an unclosed tag': ['a < b <lantern and & lantern', 'lantern', ['lantern', 'lantern']],
    'behind control characters': [
      '\u0001a\u0002\u0003 \u0001lantern\u0002 \u001b[31m\tlantern\r\n',
      'lantern',
      ['lantern', 'lantern'],
    ],
    'behind marks of direction': ['\u202eabc\u202c \u200f\u2066lantern\u2069', 'lantern', ['lantern']],
    'in other forms': ['Lanterns, LANTERNS and lantern', 'lantern', ['Lanterns', 'LANTERNS', 'lantern']],
    'with a typing error in the search': ['A lantern and another Lantern', 'lanterm', ['lantern', 'Lantern']],
    'when it is unfinished': ['A lantern', 'lant', ['lantern']],
    'of several': ['Red lanterns light a red door', 'door red', ['Red', 'red', 'door']],
    'in quotes and backslashes': [`'lantern' \\lantern\\ "lantern" \`lantern\``, 'lantern', Array(4).fill('lantern')],
    'in an address': ['See lantern.example.org', 'lantern.example.org', ['lantern.example.org']],
    'in Turkish': ['İSTANBUL ve ıspanak', 'istanbul', ['İSTANBUL']],
    'behind characters that change their length in lower case': ['İİİ ŉ ǰ ΐ ß ẞ ﬃ lantern', 'lantern', ['lantern']],
    'in wide characters': ['ｌａｎｔｅｒｎ', 'lantern', ['ｌａｎｔｅｒｎ']],
    'between quotation marks, dashes and emojis': [
      '“lantern”—lantern…🏮lantern🏮 ‘lantern’',
      'lantern',
      Array(4).fill('lantern'),
    ],
    'in Chinese': ['我们每年有十五天带薪年假，年假可以保留。', '年假', ['年假', '年假']],
    'of one Chinese character': ['喝茶的同事请使用热水壶，茶叶在柜子里。', '茶', ['茶', '茶']],
    'in Japanese': ['会議室は社内カレンダーから予約してください。', '会議 予約', ['会議', '予約']],
    'in Korean': ['휴가를 쓰려면 팀장에게 휴가 신청을 합니다.', '휴가', ['휴가', '휴가']],
    'in rare characters of two units': ['𠮷野家で𠮷野さんと', '𠮷野', ['𠮷野', '𠮷野']],
    'in Arabic': ['تراجع الإدارة العقد قبل التوقيع', 'عقد', ['العقد']],
    'among Chinese': ['使用lantern工具', 'lantern', ['lantern']],
  }
  for (const [name, [text, query, words]] of Object.entries(cases)) {
    test(name, async ({ server, alice }) => {
      const hit = await shown(server, alice, text, query)
      expect(hit.snippet).toBe(text.normalize('NFC'))
      expect(standingOut(hit)).toEqual(words)
    })
  }
})

describe('of a long text the part is shown that tells why', () => {
  const filler = (count: number) => Array.from({ length: count }, (_, index) => `word${index} and 🌊 then`).join(' ')

  test('with the word at the end of 60,000 bytes', async ({ server, alice }) => {
    const text = `${'and so on 🌊 '.repeat(4_000)}until the lantern goes out`
    expect(Buffer.byteLength(text)).toBeGreaterThan(59_000)
    const hit = await shown(server, alice, text, 'lanterns')
    expect(standingOut(hit)).toEqual(['lantern'])
    expect(hit.snippet).toMatch(/^….*until the lantern goes out$/)
    expect(hit.snippet.length).toBeLessThanOrEqual(300)
  })

  test('where another word begins like it long before', async ({ server, alice }) => {
    const text = `${'lanterloo is a game of cards '.repeat(1_500)} and a lantern`
    for (const query of ['lantern', 'lanterns', 'lantren']) {
      expect([query, standingOut(await shown(server, alice, text, query))]).toEqual([query, ['lantern']])
    }
  })

  test('around the most of the words, whole, with an ellipsis where it goes on', async ({ server, alice }) => {
    const text = `A lantern. ${filler(60)} The lantern of the harbour hangs low. ${filler(60)}`
    const hit = await shown(server, alice, text, 'lantern harbour')
    expect(standingOut(hit)).toEqual(['lantern', 'harbour'])
    expect(hit.snippet.startsWith('…')).toBe(true)
    expect(hit.snippet.endsWith('…')).toBe(true)
    expect(hit.snippet.length).toBeLessThanOrEqual(300)
    const inside = hit.snippet.slice(1, -1)
    expect(` ${text} `).toContain(` ${inside.trim()} `)
  })

  test('without a half of a character, where there is no space to end at', async ({ server, alice }) => {
    for (let shift = 0; shift < 2; shift += 1) {
      const text = `${'x'.repeat(shift)}${'🌊'.repeat(300)} lantern ${'🌊'.repeat(300)}`
      expect(standingOut(await shown(server, alice, text, 'lantern'))).toEqual(['lantern'])
    }
    const chinese = `${'海'.repeat(999)}年假${'洋'.repeat(999)}`
    const hit = await shown(server, alice, chinese, '年假')
    expect(standingOut(hit)).toEqual(['年假'])
    expect(hit.snippet.length).toBeLessThanOrEqual(300)
  })

  test('among thousands of Chinese characters', async ({ server, alice }) => {
    const text = `${'海'.repeat(4_000)}使用lantern工具${'洋'.repeat(4_000)}`
    expect(standingOut(await shown(server, alice, text, 'lantern'))).toEqual(['lantern'])
  })

  test('of a word that is longer than any', async ({ server, alice }) => {
    const text = `${'x'.repeat(5_000)} lantern ${'y'.repeat(5_000)}`
    const hit = await shown(server, alice, text, 'lantern')
    expect(standingOut(hit)).toEqual(['lantern'])
    expect(hit.snippet.length).toBeLessThanOrEqual(300)
  })
})

test('a title is shown whole, with its words', async ({ server, alice }) => {
  const title = `${'The <b>lantern</b> & '.repeat(9)}end`
  const page = await make(alice, { title })
  await write(alice, page.id, 'Nothing of the kind')
  await indexed(server, alice)
  const [edge] = (await searched(alice, 'lantern', { filter: { types: ['PAGE'] } })).edges
  expect(edge?.node.snippet).toBe(title)
  expect(edge && standingOut(edge.node)).toEqual(Array(9).fill('lantern'))
})

test('the words of a page that is found by what stands on it need not be in its title', async ({ server, alice }) => {
  const page = await createPage(alice, 'Harbour')
  await write(alice, page.id, 'A lantern')
  await indexed(server, alice)
  const { edges } = await searched(alice, 'lantern', { filter: { types: ['PAGE'] } })
  expect(edges.map(({ node }) => [node.snippet, node.highlights])).toEqual([['Harbour', []]])
})

test('each of many hits has places of its own', async ({ server, alice, page }) => {
  const texts = Array.from({ length: 40 }, (_, index) => `${'🌊'.repeat(index)} lantern ${index}`)
  await write(alice, page.id, ...texts)
  await indexed(server, alice)
  const { edges } = await searched(alice, 'lantern', { filter: { types: ['BLOCK'] } })
  expect(edges.length).toBe(40)
  for (const { node } of edges) expect(standingOut(node)).toEqual(['lantern'])
})
