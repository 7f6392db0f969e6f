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

const seed = Date.now() % 2 ** 31
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
        for (const doc of docs) {
          expect(runsIn(doc)).toEqual(perCharacter(runsOf(state)))
          expect(Y.encodeStateVector(doc)).toEqual(stateVectorOf(state))
        }
      }),
      options,
    )
  })
})

describe('an update that is no edit of a text', () => {
  const text = (doc: Y.Doc) => doc.getText('text')
  const made = (change: (doc: Y.Doc) => void) => {
    const doc = new Y.Doc()
    change(doc)
    return Y.encodeStateAsUpdate(doc)
  }
  const formatted = (name: string, value: unknown) => made((doc) => text(doc).insert(0, 'a', { [name]: value }))

  test.each<[string, Uint8Array, RegExp]>([
    ['nothing', Uint8Array.of(), /not a Yjs update/],
    ['more than an update', Uint8Array.of(0, 0, 0), /not a Yjs update/],
    ['another root', made((doc) => doc.getText('other').insert(0, 'a')), /another root/],
    ['a map', made((doc) => doc.getMap('text').set('a', 1)), /something else/],
    ['an array', made((doc) => doc.getArray('text').push([1])), /something else/],
    ['an embed', made((doc) => text(doc).insertEmbed(0, { image: 'x' })), /something else/],
    ['a nested text', made((doc) => text(doc).insertEmbed(0, new Y.Text('x'))), /something else/],
    ['a document in it', made((doc) => doc.getMap('text').set('a', new Y.Doc())), /something else/],
    ['an attribute of the text itself', made((doc) => text(doc).setAttribute('a', 'x')), /something else/],
    ['an attribute there is none', formatted('color', 'red'), /formats/],
    ['a name that objects have', formatted('constructor', true), /formats/],
    ['a wrong value', formatted('bold', 'yes'), /formats/],
    ['no address', formatted('link', 'javascript:alert(1)'), /formats/],
    ['an address with spaces', formatted('link', 'https://a b'), /formats/],
    ['a long address', formatted('link', `https://e.org/${'x'.repeat(2_048)}`), /formats/],
    ['an address that is an object', formatted('link', { href: 'https://e.org' }), /formats/],
    ['a mention of no id', formatted('mention', 'bob'), /formats/],
    ['a mention of what nobody mentions', formatted('mention', 'api_key_01h2xcejqtf2nbrexx3vqjhp41'), /formats/],
    ['a NUL', made((doc) => text(doc).insert(0, 'a\0b')), /not text/],
    ['half a character', Uint8Array.of(1, 1, 1, 0, 4, 1, 4, 116, 101, 120, 116, 3, 0xed, 0xa0, 0x80, 0), /not a Yjs/],
    ['too much text', made((doc) => text(doc).insert(0, 'x'.repeat(MAX_TEXT_BYTES + 1))), /longer than/],
  ])('%s is refused, in words', (_name, update, words) => {
    expect(() => applyEdit(nothing, update)).toThrow(UnfitEdit)
    expect(() => applyEdit(nothing, update)).toThrow(words)
  })

  test.each(['https://e.org/?a=b#c', 'HTTP://E.ORG', 'mailto:a@e.org', 'page_01h2xcejqtf2nbrexx3vqjhp41'])(
    'a link to %s is one',
    (link) =>
      expect(runsOf(applyEdit(nothing, formatted('link', link)).state)).toMatchObject([{ attributes: { link } }]),
  )

  test('is refused when it makes the document too long, though the text is short', () => {
    const doc = replica(nothing)
    let state = nothing
    const grow = () => {
      for (let index = 0; index < 4_000; index += 1) {
        const at = Math.floor(text(doc).length / 2)
        const change = applyEdit(
          state,
          edit(doc, (root) => {
            root.insert(
              at,
              'xxxxxxxxxxxxxxxxxxxxxx',
              index % 2 === 0 ? { bold: true } : { link: `https://e.org/${index}` },
            )
          }),
        )
        state = change.state
      }
    }
    expect(grow).toThrow(/too long|too many pieces/)
  })
})

describe('hostile bytes', () => {
  /** Writes bytes as Yjs does. */
  const bytes = (...parts: (number | string)[]) => {
    const out: number[] = []
    const uint = (value: number) => {
      for (let left = value; ; left = Math.floor(left / 128)) {
        out.push(left < 128 ? left : 128 | (left % 128))
        if (left < 128) return
      }
    }
    for (const part of parts) {
      if (typeof part === 'number') uint(part)
      else {
        uint(Buffer.byteLength(part))
        out.push(...Buffer.from(part))
      }
    }
    return Uint8Array.from(out)
  }
  const huge = Number.MAX_SAFE_INTEGER
  const piece = (content: string) => [4, 1, 'text', content]

  test.each<[string, Uint8Array]>([
    ['a huge number of clients', bytes(huge)],
    ['a huge number of pieces', bytes(1, huge, 1, 0)],
    ['a number without an end', new Uint8Array(16_384).fill(255)],
    ['a huge clock', bytes(1, 1, 1, huge, ...piece('a'), 0)],
    ['a huge length', bytes(1, 1, 1, 0, 1, 1, 'text', huge, 0)],
    ['no length', bytes(1, 1, 1, 0, ...piece(''), 0)],
    ['a gap without a length', bytes(1, 1, 1, 0, 10, 0, 0)],
    ['a piece that was collected', bytes(1, 1, 1, 0, 0, 5, 0)],
    ['a huge number of deletions', bytes(0, 1, 1, huge)],
    ['a deletion of everything', bytes(0, 1, 1, 1, 0, huge)],
    ['the same deletion twice', bytes(0, 1, 1, 2, 0, 1, 0, 1)],
    ['the same client twice', bytes(2, 1, 1, 0, ...piece('a'), 1, 1, 1, ...piece('b'), 0)],
    ['a neighbour of its own that is not there', bytes(1, 1, 1, 0, 132, 1, 9, 'a', 0)],
    ['itself as a neighbour', bytes(1, 1, 1, 0, 132, 1, 0, 'a', 0)],
    ['neighbours in a circle', bytes(2, 1, 1, 0, 132, 2, 0, 'a', 1, 2, 0, 132, 1, 0, 'b', 0)],
    ['text in what is no text', bytes(1, 1, 1, 0, 4, 0, 1, 0, 'a', 0)],
    ['JSON that is none', bytes(1, 1, 1, 0, 6, 1, 'text', 'bold', '{', 0)],
    ['JSON nested beyond all reason', bytes(1, 1, 1, 0, 6, 1, 'text', 'bold', '['.repeat(16_000), 0)],
  ])('that claim %s are refused at once', (_name, update) => {
    const startedAt = performance.now()
    expect(() => applyEdit(seedState(blockId, 'text'), update)).toThrow(UnfitEdit)
    expect(performance.now() - startedAt).toBeLessThan(500)
  })

  test('cannot make all pieces walk over all others', () => {
    const count = 2_000
    const pieces = Array.from({ length: count }, (_, index) => [68, 2, index, 'y']).flat()
    const update = bytes(2, 1, 2, 0, ...piece('x'.repeat(count)), count, 1, 0, ...pieces, 0)
    expect(() => applyEdit(nothing, update)).toThrow(/too entangled/)
  })

  test('never come to anything but a refusal or a text', () => {
    const real = edit(replica(nothing), (text) => text.insert(0, 'some 😀 text', { link: 'https://example.org/' }))
    const spoilt = fc.tuple(fc.nat(real.length - 1), fc.nat(255)).map(([at, byte]) => real.with(at, byte))
    const garbage = fc.uint8Array({ maxLength: 200 })
    fc.assert(
      fc.property(fc.oneof(spoilt, garbage), (update) => {
        try {
          const { state, text } = applyEdit(seedState(blockId, 'before'), update)
          expect(plain(runsOf(state))).toBe(text)
          expect(text.isWellFormed()).toBe(true)
        } catch (error) {
          if (!(error instanceof UnfitEdit)) throw error
        }
      }),
      { seed, numRuns: 3_000 },
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
