import { expect, test } from 'vitest'
import { searchConfiguration } from '../../src/lib/search-language.ts'

test('a text is stemmed in the language it is said to be in, whatever its letters', () => {
  expect(searchConfiguration('de', 'The harbour')).toBe('german')
  expect(searchConfiguration('de-AT', 'Der Hafen')).toBe('german')
  expect(searchConfiguration('nb', 'Havnen')).toBe('norwegian')
})

test('a language that Postgres does not know is not stemmed', () => {
  for (const language of ['ja', 'pl', 'x-made-up', '']) expect(searchConfiguration(language, 'port')).toBe('simple')
})

test('where nobody said it is guessed from the script that most is in', () => {
  const texts = ['The harbour 港', 'гавань', 'λιμάνι', 'ميناء', 'बंदरगाह', 'նավահանգիստ', 'துறைமுகம்']
  expect(texts.map((text) => searchConfiguration(null, text))).toEqual([
    'english',
    'russian',
    'greek',
    'arabic',
    'hindi',
    'armenian',
    'tamil',
  ])
  expect(searchConfiguration(null, 'гавань, порт (port)')).toBe('russian')
  for (const text of ['', '123 …', '港の灯台']) expect(searchConfiguration(null, text)).toBe('simple')
})
