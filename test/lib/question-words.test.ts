import { expect, test } from 'vitest'
import { questionWords } from '../../src/lib/question-words.ts'

const texts = (question: string) => questionWords(question).map(({ text }) => text)

test.each([
  ['How long is parental leave?', ['long', 'parental', 'leave']],
  ['What’s our API’s limit, please?', ["api's", 'limit']],
  ['Tell me more about it', []],
  [
    'Mail ops@tide.example or /etc/hosts',
    ['mail', 'ops', 'tide.example', 'etc', 'hosts', 'ops@tide.example', 'etc/hosts'],
  ],
  ['育儿假有多长？', ['育儿', '儿假']],
  ['育児休暇は何週間ですか？', ['育児', '休暇', '週間']],
  ['육아휴직은 며칠인가요?', ['육아휴직', '며칠인가요']],
  ['API 限流', ['api', '限流']],
])('the words of %j are %j', (question, words) => {
  expect(texts(question)).toEqual(words)
})

test('a word is looked for once, no more than 16 are, and none that is longer than any word', () => {
  expect(texts('Tide tide TIDE')).toEqual(['tide'])
  expect(texts(Array.from({ length: 99 }, (_, index) => `w${index}`).join(' '))).toHaveLength(16)
  expect(texts(`${'x'.repeat(61)} y`)).toEqual(['y'])
})

test('what no database takes is in no word', () => {
  expect(texts('a\0b \ud800c "d" \'e\' f')).toEqual(['b', 'c', 'd', 'e', 'f'])
})
