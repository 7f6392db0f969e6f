import { expect, test } from 'vitest'
import { linkAddress, linksIn, MAX_TEXT_LINKS } from '../../src/lib/text-links.ts'
import { encodeTypeId } from '../../src/lib/typeid.ts'

const uuid = '01890a5d-ac96-774b-bcce-b302099a8057'
const [page, block, user] = [encodeTypeId('page', uuid), encodeTypeId('block', uuid), encodeTypeId('user', uuid)]
const toPage = { kind: 'PAGE', targetId: uuid, url: null }
const toBlock = { kind: 'BLOCK', targetId: uuid, url: null }
const to = (url: string) => ({ kind: 'URL', targetId: null, url })
const plain = (text: string) => linksIn([{ text, attributes: {} }], { isCode: false })

/** What is written, and the addresses that are in it. */
const corpus: readonly (readonly [string, readonly string[]])[] = [
  ['nothing', []],
  ['https://example.org', ['https://example.org/']],
  ['See https://example.org/a, or HTTP://EXAMPLE.ORG/B.', ['https://example.org/a', 'http://example.org/B']],
  ['(https://example.org/a)', ['https://example.org/a']],
  ['https://en.wikipedia.org/wiki/Sea_(water)', ['https://en.wikipedia.org/wiki/Sea_(water)']],
  ['(see https://en.wikipedia.org/wiki/Sea_(water))', ['https://en.wikipedia.org/wiki/Sea_(water)']],
  ['(see https://example.org/a(b))).', ['https://example.org/a(b)']],
  ['[a](https://example.org/a)', ['https://example.org/a']],
  ['"https://example.org/a"', ['https://example.org/a']],
  ['<https://example.org/a>', ['https://example.org/a']],
  ['‘https://example.org/a’ “https://example.org/b”', ['https://example.org/a', 'https://example.org/b']],
  ['*https://example.org/a* _https://example.org/b_', ['https://example.org/a', 'https://example.org/b']],
  ['https://example.org/a?b=c&d=e#f!', ['https://example.org/a?b=c&d=e#f']],
  ['https://example.org/a;', ['https://example.org/a']],
  ['https://example.org/…', ['https://example.org/']],
  ['https://example.org/a,b;c:d', ['https://example.org/a,b;c:d']],
  ['见https://example.org/a。然后', ['https://example.org/a']],
  ['（https://example.org/a）', ['https://example.org/a']],
  ['https://例え.jp/道', ['https://xn--r8jz45g.jp/%E9%81%93']],
  ['https://example.org:8080/a', ['https://example.org:8080/a']],
  ['https://[2001:db8::1]/a', ['https://[2001:db8::1]/a']],
  ['http://localhost/a', ['http://localhost/a']],
  ['https://example.org/a\nhttps://example.org/b', ['https://example.org/a', 'https://example.org/b']],
  ['https://example.org/a\u0085b', ['https://example.org/a']],
  ['https://example.org/a https://example.org/a', ['https://example.org/a']],
  ['https://example.org/a(https://example.org/b)', ['https://example.org/a(https://example.org/b)']],
  ['xhttps://example.org', []],
  ['https:// https://. https://) http:/x http//x', []],
  ['javascript:alert(1) ftp://example.org mailto:a@example.org', []],
  ['https://exa mple.org', ['https://exa/']],
  [`https://example.org/${'x'.repeat(3_000)}`, []],
]

test.for(corpus)('%s', ([text, urls]) => {
  expect(plain(text)).toEqual(urls.map(to))
})

test('ids that are written out lead to pages and blocks', () => {
  expect(plain(`${page}, (${block}).`)).toEqual([toPage, toBlock])
  expect(plain(`on${page} ${page}x _${page} ${page.toUpperCase()} ${user} page_8${page.slice(6)}`)).toEqual([])
  // What stands in an address is part of it.
  expect(plain(`https://example.org/${page}`)).toEqual([to(`https://example.org/${page}`)])
})

test('what is linked and mentioned by formatting counts, and not what it is called', () => {
  const runs = [
    { text: 'here', attributes: { link: page } },
    { text: 'https://shown.example', attributes: { link: 'HTTPS://Example.org' } },
    { text: 'write', attributes: { link: 'mailto:a@example.org' } },
    { text: '@Notes', attributes: { mention: page } },
    { text: '@Ada', attributes: { mention: user } },
    { text: 'both', attributes: { link: block, mention: page } },
  ]
  const links = [toPage, to('https://example.org/'), to('mailto:a@example.org'), toBlock]
  expect(linksIn(runs, { isCode: false })).toEqual(links)
  expect(linksIn(runs, { isCode: true })).toEqual(links)
})

test('code is not followed, but for what formatting links', () => {
  const text = `https://example.org ${page}`
  expect(linksIn([{ text, attributes: {} }], { isCode: true })).toEqual([])
  expect(linksIn([{ text, attributes: { code: true } }], { isCode: false })).toEqual([])
  expect(linksIn([{ text, attributes: { code: true, link: block } }], { isCode: false })).toEqual([toBlock])
})

test('formatting within an address does not end it, a link beside it does', () => {
  const half = { text: 'https://exam', attributes: {} }
  const bold = { text: 'ple.org/a', attributes: { bold: true } } as const
  expect(linksIn([half, bold], { isCode: false })).toEqual([to('https://example.org/a')])
  const linked = { text: 'ple.org/a', attributes: { link: page } }
  expect(linksIn([half, linked], { isCode: false })).toEqual([to('https://exam/'), toPage])
})

test('a text leads to a hundred things at most, the first ones', () => {
  const many = Array.from({ length: 150 }, (_, index) => `https://example.org/${index % 120}`)
  const links = plain(many.join(' '))
  expect(links).toHaveLength(MAX_TEXT_LINKS)
  expect(links.at(-1)).toEqual(to('https://example.org/99'))
})

test('no text takes long to read', () => {
  const size = 64_000
  for (const part of ['https://a', ')', '(', 'https://a)', 'page_', 'https://', '.', 'https://a(', '[)', '\ud800']) {
    const started = performance.now()
    plain(`https://a/${part.repeat(size / part.length)}`)
    expect(performance.now() - started, part).toBeLessThan(500)
  }
})

test('an address is kept in one form, and only where it leads somewhere', () => {
  expect(linkAddress('HTTP://Example.ORG:80/a/../b')).toBe('http://example.org/b')
  expect(linkAddress('mailto:a@example.org')).toBe('mailto:a@example.org')
  const wrong = ['', 'example.org', 'javascript:alert(1)', 'data:,x', 'https://', 'https://.', ' https://example.org']
  for (const text of [
    ...wrong,
    'http:example.org',
    'https://a b',
    `https://a/${'é'.repeat(1_000)}`,
    'https://a/\ud800',
  ])
    expect(linkAddress(text), text).toBeNull()
})
