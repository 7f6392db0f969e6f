import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  appendRuns,
  applyEdit,
  MAX_STATE_BYTES,
  replaceText,
  runsOf,
  seedState,
  seedWith,
  splitText,
  type TextChange,
} from '../../src/lib/rich-text.ts'

const blockId = '01890a5d-ac96-774b-bcce-b302099a8057'

/** A client's copy of a document. */
function replica(state: Uint8Array): Y.Doc {
  const doc = new Y.Doc()
  doc.getText('text')
  Y.applyUpdate(doc, state)
  return doc
}

function piecesOf(doc: Y.Doc): number {
  return doc.store.clients.values().reduce((sum, structs) => sum + structs.length, 0)
}

describe('a document that the server changes again and again', () => {
  test.for<[string, number, number, number, (index: number) => string]>([
    ['a number in a sentence', 10_000, 400, 8_000, (index) => `Visitors: ${index} today`],
    ['two numbers, far apart', 3_000, 600, 10_000, (index) => `Read ${index} of them, wrote ${index * 7} of them`],
  ])('stays far within the limits: %s', { timeout: 60_000 }, ([name, times, mostPieces, mostBytes, textAt]) => {
    let state = seedState(blockId, textAt(0))
    const other = replica(state)
    for (let index = 1; index <= times; index += 1) {
      const change = replaceText(state, textAt(index))
      Y.applyUpdate(other, change.update)
      state = change.state
    }
    const kept = replica(state)
    console.log(`${name}, ${times} times: ${piecesOf(kept)} pieces, ${state.length} bytes`)
    expect(piecesOf(kept)).toBeLessThan(mostPieces)
    expect(state.length).toBeLessThan(mostBytes)
    for (const doc of [kept, other]) expect(doc.getText('text').toString()).toBe(textAt(times))
    expect(Y.encodeStateVector(other)).toEqual(Y.encodeStateVector(kept))
  })

  test('has one client more by it, whatever the server did', () => {
    const typist = replica(seedState(blockId, 'text'))
    typist.getText('text').insert(0, 'some ')
    let state = Y.encodeStateAsUpdate(typist)
    const follow = (change: TextChange) => {
      state = change.state
      Y.applyUpdate(typist, change.update)
    }
    for (let round = 0; round < 5; round += 1) {
      follow(replaceText(state, `round ${round}`))
      const { left, right } = splitText(state, 3)
      follow(left)
      follow(appendRuns(state, right))
    }
    expect(replica(state).store.clients.size).toBe(3)
    expect(typist.getText('text').toString()).toBe('round 4')
  })

  test('keeps its formatting also where it is written anew', () => {
    let state = seedState(blockId, 'bold: 0 and 0')
    const typist = replica(state)
    typist.getText('text').format(0, 4, { bold: true })
    state = Y.encodeStateAsUpdate(typist)
    for (let index = 1; index <= 600; index += 1) {
      const change = replaceText(state, `bold: ${index} and ${index}`)
      Y.applyUpdate(typist, change.update)
      state = change.state
    }
    expect(typist.getText('text').toDelta()).toEqual([
      { insert: 'bold', attributes: { bold: true } },
      { insert: ': 600 and 600' },
    ])
  })

  test('takes nothing that a client writes as the server', () => {
    const { state } = replaceText(seedState(blockId, 'one'), 'one two')
    const forger = replica(state)
    const [server = 0] = [...forger.store.clients.keys()].filter(
      (client) => !replica(seedState(blockId, 'one')).store.clients.has(client),
    )
    forger.clientID = server
    forger.getText('text').insert(0, 'x')
    expect(() => applyEdit(state, Y.encodeStateAsUpdate(forger))).toThrow(/as the server/)
    // What the server wrote may come along with what a client did.
    const client = replica(state)
    client.getText('text').insert(0, 'x')
    expect(applyEdit(state, Y.encodeStateAsUpdate(client)).text).toBe('xone two')
  })
})

describe('a text with an address of 2 KB over hundreds of formatted stretches', () => {
  const link = `https://example.org/${'x'.repeat(2_000)}`
  const state = formatted()

  function formatted(): Uint8Array {
    const doc = replica(seedState(blockId, 'x'.repeat(8_000)))
    const text = doc.getText('text')
    doc.transact(() => {
      text.format(0, 8_000, { link })
      for (let index = 0; index < 8_000; index += 10) text.format(index, 5, { bold: true })
    })
    return Y.encodeStateAsUpdate(doc)
  }

  test('has a second half no larger than itself', () => {
    const { right } = splitText(state, 5)
    const half = seedWith(blockId, right)
    console.log(`${state.length} bytes, split at the begin: ${half.length} bytes`)
    expect(half.length).toBeLessThan(state.length * 1.1)
    expect(runsOf(half)).toEqual(right)
    const joined = appendRuns(seedState(blockId, ''), right)
    expect(runsOf(joined.state)).toEqual(right)
  })

  test('is refused where its parts would have to name it too often', () => {
    const runs = Array.from({ length: 100 }, (_, index) => ({
      text: 'x',
      attributes: index % 2 === 0 ? { link } : {},
    }))
    expect(runs.length * link.length).toBeGreaterThan(MAX_STATE_BYTES)
    expect(() => seedWith(blockId, runs)).toThrow(/too long/)
    expect(() => appendRuns(seedState(blockId, ''), runs)).toThrow(/too long/)
  })
})
