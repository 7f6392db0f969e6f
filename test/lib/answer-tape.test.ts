import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  markTo,
  nextStretch,
  placeOn,
  readTape,
  type StretchKind,
  tapeOf,
  tapeStart,
  withoutMarks,
} from '../../src/lib/answer-tape.ts'

/** What a model may write: words of one kind after words of another. */
const writings = fc.array(
  fc.record({
    kind: fc.constantFrom<StretchKind>('TEXT', 'REASONING'),
    isNew: fc.boolean(),
    text: fc.string({ minLength: 1 }),
  }),
)

/** The tape as it is written, and how long it was after each word. */
function written(words: readonly { kind: StretchKind; isNew: boolean; text: string }[]) {
  let [tape, kind]: [string, StretchKind] = ['', 'TEXT']
  const lengths = [0]
  for (const word of words) {
    tape += markTo(word.kind, kind, word.isNew) + withoutMarks(word.text)
    kind = word.kind
    lengths.push(tape.length)
  }
  return { tape, lengths }
}

test('an answer without thoughts is its own tape', () => {
  expect(tapeOf({ text: 'Plain', thoughts: [] })).toBe('Plain')
  expect(readTape('Plain')).toEqual({ text: 'Plain', thoughts: [] })
})

test('thoughts keep their place between the text', () => {
  const answer = {
    text: 'Hello world',
    thoughts: [
      { at: 0, text: 'who?' },
      { at: 6, text: 'where?' },
      { at: 6, text: 'all' },
    ],
  }
  expect(readTape(tapeOf(answer))).toEqual(answer)
})

test('what was written can be read, and the tape of a part is the beginning of the whole one', () => {
  fc.assert(
    fc.property(writings, (words) => {
      const { tape, lengths } = written(words)
      for (const length of lengths) {
        const part = tapeOf(readTape(tape.slice(0, length)))
        expect(tape.startsWith(part)).toBe(true)
        expect(part).toBe(tape.slice(0, length))
      }
      const texts = (kind: StretchKind) =>
        words.flatMap((word) => (word.kind === kind ? withoutMarks(word.text) : [])).join('')
      const { text, thoughts } = readTape(tape)
      expect([text, thoughts.map((thought) => thought.text).join('')]).toEqual([texts('TEXT'), texts('REASONING')])
    }),
  )
})

test('from wherever one goes on, the stretches are what was left, counted by their kind', () => {
  fc.assert(
    fc.property(writings, fc.nat(), (words, from) => {
      const { tape } = written(words)
      const answer = readTape(tape)
      const whole = { TEXT: answer.text, REASONING: answer.thoughts.map(({ text }) => text).join('') }
      let place = placeOn(tape, from % (tape.length + 1))
      const told = {
        TEXT: whole.TEXT.slice(0, place.units.TEXT),
        REASONING: whole.REASONING.slice(0, place.units.REASONING),
      }
      for (let next = nextStretch(tape, place); next !== null; next = nextStretch(tape, place)) {
        const { kind, index, text } = next.stretch
        expect(index).toBe(told[kind].length)
        told[kind] += text
        place = next.place
      }
      expect(told).toEqual(whole)
    }),
  )
})

test('nothing follows the end, nor a mark that nothing follows', () => {
  expect(nextStretch('', tapeStart)).toBeNull()
  expect(nextStretch(`a${markTo('REASONING', 'TEXT')}`, placeOn('a', 1))).toBeNull()
})
