import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { applyEdit, IncompleteEdit, MAX_TEXT_BYTES, runsOf, seedState, UnfitEdit } from '../../src/lib/rich-text.ts'

const seed = Date.now() % 2 ** 31
console.log(`text updates: seed ${seed}`)

const blockId = '01890a5d-ac96-774b-bcce-b302099a8057'
const nothing = seedState(blockId, '')

/** What a client sends after a change of its copy. */
function edit(doc: Y.Doc, change: (text: Y.Text) => void): Uint8Array {
  const updates: Uint8Array[] = []
  const note = (update: Uint8Array) => updates.push(update)
  doc.on('update', note)
  doc.transact(() => change(doc.getText('text')))
  doc.off('update', note)
  return Y.mergeUpdates(updates)
}

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

  test('is refused when it makes the document too long, though its text is short', () => {
    const doc = new Y.Doc()
    let state = nothing
    const grow = () => {
      for (let index = 0; index < 100; index += 1) {
        const link = `https://e.org/${index}${'x'.repeat(1_000)}`
        const typed = edit(doc, (root) => root.insert(index, 'x', { link }))
        state = applyEdit(state, typed).state
      }
    }
    expect(grow).toThrow(/too long/)
    expect(state.length).toBeLessThanOrEqual(64 * 1024)
  })

  test('is refused when it leaves the document in too many pieces', () => {
    // Each character before the last one: no two of them are one piece.
    const type = (root: Y.Text) => {
      for (let index = 0; index < 2_500; index += 1) root.insert(0, 'x')
    }
    const { state } = applyEdit(nothing, edit(new Y.Doc(), type))
    const other = new Y.Doc()
    Y.applyUpdate(other, state)
    const more = edit(other, type)
    expect(() => applyEdit(state, more)).toThrow(/too many pieces/)
  })
})

describe('hostile bytes', () => {
  /** Writes bytes as Yjs does. */
  const bytes = (...parts: (number | string | { byte: number })[]) => {
    const out: number[] = []
    const uint = (value: number) => {
      for (let left = value; ; left = Math.floor(left / 128)) {
        out.push(left < 128 ? left : 128 | (left % 128))
        if (left < 128) return
      }
    }
    for (const part of parts) {
      if (typeof part === 'number') uint(part)
      else if (typeof part === 'object') out.push(part.byte)
      else {
        uint(Buffer.byteLength(part))
        out.push(...Buffer.from(part))
      }
    }
    return Uint8Array.from(out)
  }
  const huge = Number.MAX_SAFE_INTEGER
  const afterAnother = { byte: 132 }
  const piece = (content: string) => [4, 1, 'text', content]

  test.each<[string, Uint8Array]>([
    ['a huge number of clients', bytes(huge)],
    ['a huge number of pieces', bytes(1, huge, 1, 0)],
    ['a number without an end', new Uint8Array(16_384).fill(255)],
    ['a huge clock', bytes(1, 1, 1, huge, ...piece('a'), 0)],
    ['a huge length', bytes(1, 1, 1, 0, 1, 1, 'text', huge, 0)],
    ['no length', bytes(1, 1, 1, 0, ...piece(''), 0)],
    ['a gap without a length', bytes(1, 1, 1, 0, 10, 0, 0)],
    ['a huge number of deletions', bytes(0, 1, 1, huge)],
    ['a deletion of everything', bytes(0, 1, 1, 1, 0, huge)],
    ['the same deletion twice', bytes(1, 1, 1, 0, ...piece('abc'), 1, 1, 2, 0, 1, 0, 1)],
    ['deletions by the same client twice', bytes(1, 1, 1, 0, ...piece('abc'), 2, 1, 1, 0, 1, 1, 1, 2, 1)],
    ['the same client twice', bytes(2, 1, 1, 0, ...piece('a'), 1, 1, 1, ...piece('b'), 0)],
    ['a neighbour of its own that is not there', bytes(1, 1, 1, 0, afterAnother, 1, 9, 'a', 0)],
    ['itself as a neighbour', bytes(1, 1, 1, 0, afterAnother, 1, 0, 'a', 0)],
    ['JSON that is none', bytes(1, 1, 1, 0, 6, 1, 'text', 'bold', '{', 0)],
    ['JSON nested beyond all reason', bytes(1, 1, 1, 0, 6, 1, 'text', 'bold', '['.repeat(16_000), 0)],
  ])('that claim %s are refused at once', (_name, update) => {
    const startedAt = performance.now()
    expect(() => applyEdit(seedState(blockId, 'text'), update)).toThrow(/^is not a Yjs update$/)
    expect(performance.now() - startedAt).toBeLessThan(500)
  })

  test.each<[string, Uint8Array]>([
    ['a piece that was collected', bytes(1, 1, 1, 0, 0, 5, 0)],
    ['text in what is no text', bytes(1, 1, 1, 0, 4, 0, 1, 0, 'a', 0)],
    ['text under a key', bytes(1, 1, 1, 0, 36, 1, 'text', 'key', 'a', 0)],
  ])('of %s are no text', (_name, update) => {
    expect(() => applyEdit(nothing, update)).toThrow(/something else/)
  })

  test('that follow each other in a circle build on what is not there', () => {
    const update = bytes(2, 1, 1, 0, afterAnother, 2, 0, 'a', 1, 2, 0, afterAnother, 1, 0, 'b', 0)
    expect(() => applyEdit(nothing, update)).toThrow(IncompleteEdit)
  })

  test('cannot be in any number of pieces', () => {
    const pieces = Array.from({ length: 5_000 }, (_, index) => [afterAnother, 1, index, 'y']).flat()
    const update = bytes(1, 5_001, 1, 0, ...piece('x'), ...pieces, 0)
    expect(() => applyEdit(nothing, update)).toThrow(/more than 4,096 pieces/)
  })

  test('cannot make all pieces walk over all others', () => {
    const count = 2_000
    const pieces = Array.from({ length: count }, (_, index) => [68, 2, index, 'y']).flat()
    const update = bytes(2, 1, 2, 0, ...piece('x'.repeat(count)), count, 1, 0, ...pieces, 0)
    expect(() => applyEdit(nothing, update)).toThrow(/too entangled/)
  })

  test('never come to anything but a refusal or a text', () => {
    const real = edit(new Y.Doc(), (text) => text.insert(0, 'some 😀 text', { link: 'https://example.org/' }))
    const spoilt = fc.tuple(fc.nat(real.length - 1), fc.nat(255)).map(([at, byte]) => real.with(at, byte))
    const garbage = fc.uint8Array({ maxLength: 200 })
    fc.assert(
      fc.property(fc.oneof(spoilt, garbage), (update) => {
        try {
          const { state, text } = applyEdit(seedState(blockId, 'before'), update)
          expect(
            runsOf(state)
              .map((run) => run.text)
              .join(''),
          ).toBe(text)
          expect(text.isWellFormed()).toBe(true)
        } catch (error) {
          if (!(error instanceof UnfitEdit)) throw error
        }
      }),
      { seed, numRuns: 3_000 },
    )
  })
})
