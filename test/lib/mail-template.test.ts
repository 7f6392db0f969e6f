import { describe, expect, test } from 'vitest'
import { writeMail } from '../../src/lib/mail-template.ts'

const url = 'https://ocean.example.org/verify?token=abc&next=%2Fa#t'
const whole = {
  subject: 'Prove your address',
  lines: ['Hello,', 'one more step.'],
  action: { label: 'Prove it', url },
  footer: 'Nobody asked for this? Ignore it.',
}

test('a text has a paragraph for each line, and the link on a line of its own', () => {
  expect(writeMail(whole).text).toBe(
    `Hello,\n\none more step.\n\nProve it:\n${url}\n\n--\nNobody asked for this? Ignore it.\n`,
  )
  expect(writeMail({ subject: 'Hi', lines: ['Only this.'] })).toMatchObject({ subject: 'Hi', text: 'Only this.\n' })
})

test('the HTML has the same words, the link as a button and in plain sight', () => {
  const { html } = writeMail(whole)
  expect(html).toMatch(/^<!doctype html>\n<html lang="en">/)
  expect(html).toContain('<title>Prove your address</title>')
  for (const words of [...whole.lines, whole.action.label, whole.footer]) expect(html).toContain(`>${words}<`)
  const href = url.replace('&', '&#38;')
  expect(html.split(`href="${href}"`)).toHaveLength(3)
  expect(html).toContain(`>${href}</a>`)
  expect(writeMail({ subject: 'Hi', lines: [] }).html).not.toContain('<a')
})

test('nothing is loaded from anywhere, and nothing runs', () => {
  const { html } = writeMail(whole)
  expect(html).not.toMatch(/<(img|script|link|style|iframe|object|form|svg|video|base)\b|src=|url\(|@import|\son\w+=/i)
})

describe.each([
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'onmouseover='alert(1)",
  '</title></head><body>',
  '<!-- --><![CDATA[ ]]>',
  '&lt;b&gt; &amp; &#60;b&#62;',
  '`onclick`',
])('hostile words %s', (hostile) => {
  test('are words wherever they stand', () => {
    const harmless = { ...whole, subject: 'S', lines: ['L'], action: { label: 'A', url }, footer: 'F' }
    const tags = (html: string) => html.match(/<[^>]*>/g)
    const all = { subject: hostile, lines: [hostile], action: { label: hostile, url }, footer: hostile }
    const { html, text } = writeMail(all)
    expect(tags(html)).toEqual(tags(writeMail(harmless).html))
    expect(decoded(html).split(hostile)).toHaveLength(5)
    expect(text.split(hostile)).toHaveLength(4)
  })

  test('in a link stay in the link', () => {
    const { html, text } = writeMail({ ...whole, action: { label: 'A', url: `https://a.example/?q=${hostile}` } })
    const plain = writeMail({ ...whole, action: { label: 'A', url: 'https://a.example/?q=' } })
    expect(html.split('<')).toHaveLength(plain.html.split('<').length)
    expect(html).not.toMatch(/href="[^"]*['<> ]/)
    expect(text.split('\n')).toHaveLength(plain.text.split('\n').length)
  })
})

test.each(['\r\n', '\n', '\r', '\u0000', '\u0085', '\u2028', '\u202e', '\u2066', '\t', '\u001b[31m'])(
  'no line breaks out of its paragraph, and none turns round: %j',
  (hostile) => {
    const name = `Bob${hostile}${hostile}Bcc: all@evil.example`
    const { subject, text, html } = writeMail({ ...whole, subject: name, lines: [name], footer: name })
    for (const part of [subject, ...text.split('\n'), ...html.split('\n')]) {
      expect(part).not.toMatch(/[\p{Cc}\u2028\u202e\u2066]/u)
      expect(part).not.toMatch(/^Bcc/)
    }
    expect(subject).toMatch(/^Bob .*Bcc: all@evil\.example$/)
  },
)

test.each([
  'javascript:alert(1)',
  'JAVASCRIPT:alert(1)',
  ' javascript:alert(1)',
  'java\nscript:alert(1)',
  'data:text/html,x',
  'vbscript:x',
  'file:///etc/passwd',
  'mailto:a@b.c',
  '//evil.example',
  '/verify',
  'ocean.example.org',
  'https://',
  '',
])('a link to %j is refused', (bad) => {
  expect(() => writeMail({ ...whole, action: { label: 'A', url: bad } })).toThrow('links to http or https alone')
})

test('a link of http is taken, with spaces and breaks made harmless', () => {
  const { text } = writeMail({ ...whole, action: { label: 'A', url: 'http://localhost:4000/a b\n?c=d e' } })
  expect(text.split('\n')).toContain('http://localhost:4000/a%20b?c=d%20e')
})

function decoded(html: string): string {
  return html.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
}
