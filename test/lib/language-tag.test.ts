import { expect, test } from 'vitest'
import { languageTag } from '../../src/lib/language-tag.ts'

test('a language is written in one way, however it was', () => {
  for (const [tag, written] of [
    ['en', 'en'],
    ['PT-br', 'pt-BR'],
    ['zh-hant-tw', 'zh-Hant-TW'],
    ['iw', 'he'],
  ]) {
    expect(languageTag.parse(tag)).toBe(written)
  }
})

test('what is no tag, or longer than all of them, is none', () => {
  for (const tag of ['', ' ', 'english!', 'a', 'en_US', 'en\n', `en-${'x-abcdefgh-'.repeat(4)}a`]) {
    expect([tag, languageTag.safeParse(tag).success]).toEqual([tag, false])
  }
})
