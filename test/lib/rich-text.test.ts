import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  appendRuns,
  applyEdit,
  IncompleteEdit,
  MAX_TEXT_BYTES,
  replaceText,
  runsOf,
  seedState,
  seedWith,
  splitText,
  stateVectorOf,
  type TextRun,
  UnfitEdit,
} from '../../src/lib/rich-text.ts'

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
console.log(`rich text: seed ${seed}`)
const options = { seed, numRuns: 200 }

const blockId = '01890a5d-ac96-774b-bcce-b302099a8057'
const nothing = seedState(blockId, '')

/** Text with characters of one and two code units, lines and spaces. */
const words = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', 'é', '😀', '👩‍👧'), maxLength: 30 })
const attributes = fc.record(
  {
    bold: fc.constant(true as const),
    code: fc.constant(true as const),
    link: fc.constant('https://example.org/'),
  },
  { requiredKeys: [] },
)
const runs = fc.array(fc.record({ text: words.filter((text) => text !== ''), attributes }), { maxLength: 6 })

/** A client's copy of a document. */
function replica(state: Uint8Array): Y.Doc {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, state)
  return doc
}

/** What a client sends after a change. */
function edit(doc: Y.Doc, change: (text: Y.Text) => void): Uint8Array {
  const updates: Uint8Array[] = []
  const note = (update: Uint8Array) => updates.push(update)
  doc.on('update', note)
  doc.transact(() => change(doc.getText('text')))
  doc.off('update', note)
  return Y.mergeUpdates(updates)
}

const plain = (list: readonly TextRun[]) => list.map(({ text }) => text).join('')
const perCharacter = (list: readonly TextRun[]) =>
  list.flatMap(({ text, attributes }) => {
    const sorted = Object.entries(attributes).toSorted()
    return Array.from(text, (character) => JSON.stringify([character, sorted]))
  })
const runsIn = (doc: Y.Doc) => perCharacter(runsOf(Y.encodeStateAsUpdate(doc)))

/** Where a text can be cut, from any number. */
function cut(text: string, at: number): number {
  const index = at % (text.length + 1)
  return text.slice(0, index).isWellFormed() ? index : index - 1
}

describe('a document that nobody has edited', () => {
  test('follows from the block and its text', () => {
    expect(seedState(blockId, 'text')).toEqual(seedState(blockId, 'text'))
    expect(runsOf(seedState(blockId, 'text'))).toEqual([{ text: 'text', attributes: {} }])
    expect(runsOf(nothing)).toEqual([])
  })

  test('can be given formatting', () => {
    fc.assert(
      fc.property(runs, (list) => {
        expect(perCharacter(runsOf(seedWith(blockId, list)))).toEqual(perCharacter(list))
      }),
      options,
    )
  })
})

describe('what a client did', () => {
  test('is merged, and told to the others', () => {
    const state = seedState(blockId, 'one two')
    const change = applyEdit(
      state,
      edit(replica(state), (text) => text.insert(3, ' and')),
    )
    expect(change).toMatchObject({ text: 'one and two', isChanged: true })
    const other = replica(state)
    Y.applyUpdate(other, change.update)
    expect(other.getText('text').toString()).toBe('one and two')
    expect(stateVectorOf(change.state)).toEqual(Y.encodeStateVector(other))
  })

  test('changes nothing the second time', () => {
    const update = edit(replica(nothing), (text) => text.insert(0, 'a'))
    const first = applyEdit(nothing, update)
    expect(applyEdit(first.state, update)).toMatchObject({ state: first.state, text: 'a', isChanged: false })
    expect(applyEdit(first.state, first.state).isChanged).toBe(false)
  })

  test('is refused when it builds on what is not there, insertions and deletions alike', () => {
    const doc = replica(nothing)
    edit(doc, (text) => text.insert(0, 'a'))
    const second = edit(doc, (text) => text.insert(1, 'b'))
    const third = edit(doc, (text) => text.delete(0, 1))
    for (const update of [second, third]) expect(() => applyEdit(nothing, update)).toThrow(IncompleteEdit)
    expect(applyEdit(nothing, Y.encodeStateAsUpdate(doc)).text).toBe('b')
  })

  test('comes together whatever the order, for any number of editors', () => {
    const step = fc.record({ editor: fc.nat(3), at: fc.nat(), remove: fc.nat(3), insert: words, isBold: fc.boolean() })
    fc.assert(
      fc.property(words, fc.array(step, { maxLength: 25 }), fc.nat(), (start, steps, shuffle) => {
        const initial = seedState(blockId, start)
        const docs = [0, 1, 2, 3].map(() => replica(initial))
        let state = initial
        const told: Uint8Array[] = []
        for (const { editor, at, remove, insert, isBold } of steps) {
          const doc = docs[editor] ?? replica(initial)
          const update = edit(doc, (text) => {
            const from = cut(text.toString(), at)
            const to = cut(text.toString(), Math.min(from + remove, text.length))
            if (to > from) text.delete(from, to - from)
            text.insert(from, insert, isBold ? { bold: true } : {})
          })
          const change = applyEdit(state, update)
          state = change.state
          if (change.isChanged) told.push(change.update)
        }
        const order = told.toSorted((one, other) => ((one.length * shuffle) % 7) - ((other.length * shuffle) % 7))
        for (const doc of docs) for (const update of order) Y.applyUpdate(doc, update)
        // Each removes formatting that has become redundant, and tells the others of that as well.
        for (let round = 0; round < docs.length; round += 1) {
          const all = Y.mergeUpdates([state, ...docs.map((doc) => Y.encodeStateAsUpdate(doc))])
          for (const doc of docs) Y.applyUpdate(doc, all)
          state = applyEdit(state, all).state
        }
        for (const doc of docs) {
          expect(runsIn(doc)).toEqual(perCharacter(runsOf(state)))
          expect(Y.encodeStateVector(doc)).toEqual(stateVectorOf(state))
        }
      }),
      options,
    )
  })
})

describe('replacing a text', () => {
  test('yields exactly the text, and tells the others', () => {
    fc.assert(
      fc.property(runs, words, (list, next) => {
        const state = seedWith(blockId, list)
        const change = replaceText(state, next)
        expect(change.text).toBe(next)
        expect(change.isChanged).toBe(plain(list) !== next)
        const other = replica(state)
        Y.applyUpdate(other, change.update)
        expect(other.getText('text').toString()).toBe(next)
      }),
      options,
    )
  })

  test('touches only the stretch that differs: cursors and formatting elsewhere stay', () => {
    const marked = fc.tuple(runs, words, words, runs)
    fc.assert(
      fc.property(marked, ([before, old, next, after]) => {
        const state = seedWith(blockId, [...before, { text: `[${old}]`, attributes: {} }, ...after])
        const start = plain(before)
        const end = plain(after)
        const doc = replica(state)
        const text = doc.getText('text')
        const cursors = [0, start.length, start.length + old.length + 2, text.length].map((index) => ({
          fromEnd: text.length - index,
          fromStart: index,
          position: Y.createRelativePositionFromTypeIndex(text, index, index <= start.length ? 0 : -1),
        }))
        const change = replaceText(state, `${start}[${next}]${end}`)
        Y.applyUpdate(doc, change.update)
        for (const { fromStart, fromEnd, position } of cursors) {
          const index = Y.createAbsolutePositionFromRelativePosition(position, doc)?.index
          expect(index).toBe(fromStart <= start.length ? fromStart : text.length - fromEnd)
        }
        const now = perCharacter(runsOf(change.state))
        expect(now.slice(0, perCharacter(before).length)).toEqual(perCharacter(before))
        expect(now.slice(now.length - perCharacter(after).length)).toEqual(perCharacter(after))
      }),
      options,
    )
  })

  test('formats what is new as what stands around it, and nothing at the edges', () => {
    const link = { link: 'https://example.org/' } as const
    const state = seedWith(blockId, [
      { text: 'see ', attributes: {} },
      { text: 'the page', attributes: { ...link, bold: true } },
      { text: ' now', attributes: { bold: true } },
    ])
    expect(runsOf(replaceText(state, 'see the first page, now').state)).toEqual([
      { text: 'see ', attributes: {} },
      { text: 'the first page', attributes: { ...link, bold: true } },
      { text: ', now', attributes: { bold: true } },
    ])
    const mention = { mention: 'user_01h2xcejqtf2nbrexx3vqjhp41' } as const
    const mentioned = seedWith(blockId, [{ text: 'Bob', attributes: mention }])
    expect(runsOf(replaceText(mentioned, 'Bob, Boxb').state)[0]).toEqual({ text: 'Bob', attributes: mention })
  })

  test('takes no longer for texts that have nothing in common', () => {
    const text = (word: string) => Array.from({ length: 8_000 }, (_, index) => `${word}${index % 97}`).join(' ')
    const startedAt = performance.now()
    const change = replaceText(seedState(blockId, text('one').slice(0, 30_000)), text('two').slice(0, 30_000))
    expect(change.text).toBe(text('two').slice(0, 30_000))
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })

  test('refuses what is no text, or too long', () => {
    for (const text of ['\0', '\ud800', 'x'.repeat(MAX_TEXT_BYTES + 1)])
      expect(() => replaceText(nothing, text)).toThrow(UnfitEdit)
  })
})

describe('splitting and joining', () => {
  test('give back the same text with the same formatting', () => {
    fc.assert(
      fc.property(runs, fc.nat(), (list, at) => {
        const state = seedWith(blockId, list)
        const text = plain(list)
        const index = cut(text, at)
        const { left, right } = splitText(state, index)
        expect([left.text, plain(right)]).toEqual([text.slice(0, index), text.slice(index)])
        expect([...perCharacter(runsOf(left.state)), ...perCharacter(right)]).toEqual(perCharacter(list))
        const joined = appendRuns(left.state, right)
        expect(perCharacter(runsOf(joined.state))).toEqual(perCharacter(list))
        const other = replica(state)
        for (const { update } of [left, joined]) Y.applyUpdate(other, update)
        expect(runsIn(other)).toEqual(perCharacter(list))
      }),
      options,
    )
  })

  test('refuse what is outside the text, or inside a character', () => {
    const state = seedState(blockId, 'a😀')
    for (const index of [-1, 4]) expect(() => splitText(state, index)).toThrow(/not in the text/)
    expect(() => splitText(state, 2)).toThrow(/middle of a character/)
  })

  test('refuse a text that becomes too long', () => {
    const state = seedState(blockId, 'x'.repeat(MAX_TEXT_BYTES))
    expect(() => appendRuns(state, [{ text: 'y', attributes: {} }])).toThrow(/longer than/)
  })
})
