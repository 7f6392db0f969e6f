import { createHash } from 'node:crypto'
import * as Y from 'yjs'
import type { TextAttributes } from './text-attributes.ts'
import { isBetweenCharacters, textDiff } from './text-diff.ts'
import { limitMerging, TooEntangled } from './text-merging.ts'
import { attributesAround, isAlike, runsFrom, stretchesOf } from './text-runs.ts'
import { ROOT, requireTextUpdate, UnfitUpdate } from './text-update.ts'

// A block's text is a Yjs document with one root, `text`, and a fixed set of attributes. Here a document is its state:
// one Yjs update (version 1) that makes it.

/** Bytes of a text in UTF-8: just under the 64 KiB that its document may have. */
export const MAX_TEXT_BYTES = 64_000

/** Bytes of a document's state: what was deleted leaves a trace in it. */
export const MAX_STATE_BYTES = 64 * 1024

/** Pieces of a document: each costs whoever opens it. */
export const MAX_STRUCTS = 4_096

// What honest writers make takes some hundreds; this many are a tenth of a second.
const MAX_MERGING_STEPS = 250_000

/**
 * Traces of what was deleted, each at a place of its own, that `replaceText` adds to. Beyond them it writes the text anew
 * as a whole, which leaves one trace however often it is done: cursors in it are lost, but it can be changed forever.
 */
const MAX_TRACES = 500

/**
 * As whom all is written that is changed here, in every document: each client that ever wrote in a document leaves a trace
 * in it for good, so a new one for each change would use a document up. It goes on where it ended, since a document is
 * changed in its newest state, under the lock of its row. Not as the seed's: that is the block's, which is not known here.
 */
const SERVER_CLIENT = 0x6f_63_65_61

/** A stretch of text that is formatted alike. */
export interface TextRun {
  readonly text: string
  readonly attributes: TextAttributes
}

/** What a change came to. */
export interface TextChange {
  /** The document after it. */
  readonly state: Uint8Array
  /** What it says then, without formatting. */
  readonly text: string
  /** What other copies of the document need to follow. */
  readonly update: Uint8Array
  /** False when nothing is different: all of it was known already. */
  readonly isChanged: boolean
}

/** Why a document cannot take a change; nothing was changed. */
export class UnfitEdit extends Error {
  override readonly name: string = 'UnfitEdit'
}

/** The change builds on others that the document has not seen. */
export class IncompleteEdit extends UnfitEdit {
  override readonly name = 'IncompleteEdit'
  constructor() {
    super('builds on changes that are not here')
  }
}

/**
 * The document of a text that nobody has edited yet. It follows from the block and its text alone, so that it need not be
 * stored: whoever asks, whenever and on whatever node, gets the same one.
 */
export function seedState(blockId: string, text: string): Uint8Array {
  const doc = unwritten(blockId)
  if (text !== '') doc.getText(ROOT).insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}

/** `seedState` of a text with formatting. @throws {UnfitEdit} */
export function seedWith(blockId: string, runs: readonly TextRun[]): Uint8Array {
  const doc = unwritten(blockId)
  append(doc, runs)
  return fitState(doc)
}

function unwritten(blockId: string): Y.Doc {
  const doc = new Y.Doc()
  // The client of a document's only writer has to be the same each time; nobody else writes as it.
  doc.clientID = createHash('sha256').update(blockId).digest().readUInt32BE(0)
  return doc
}

/**
 * Merges what a client did into a document. Hostile updates are refused like broken ones, in bounded time and memory.
 * @throws {UnfitEdit} with the reason in words @throws {IncompleteEdit}
 */
export function applyEdit(state: Uint8Array, update: Uint8Array): TextChange {
  try {
    requireTextUpdate(update, { maxStructs: MAX_STRUCTS })
  } catch (error) {
    if (error instanceof UnfitUpdate) throw new UnfitEdit(error.message)
    throw error
  }
  const doc = open(state)
  const written = Y.getState(doc.store, SERVER_CLIENT)
  return changed(doc, state, () => {
    try {
      Y.applyUpdate(doc, update)
    } catch (error) {
      if (error instanceof TooEntangled) throw new UnfitEdit('is too entangled')
      // It names as its own neighbours what is not there; the document is left half changed, and dropped.
      throw new UnfitEdit('is not a Yjs update')
    }
    if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) throw new IncompleteEdit()
    // Else its clock could be used up at once, or what it writes be foreseen and hidden from others.
    if (Y.getState(doc.store, SERVER_CLIENT) !== written) throw new UnfitEdit('writes as the server')
  })
}

/**
 * Makes a document say another text. Only what differs is touched: formatting and cursors elsewhere stay. What is new is
 * formatted as what stands around it, where that is formatted alike. It can be done without end.
 * @throws {UnfitEdit}
 */
export function replaceText(state: Uint8Array, text: string): TextChange {
  const doc = openToWrite(state)
  const root = doc.getText(ROOT)
  const old = root.toString()
  const steps = replacement(runsIn(doc), old, text)
  if (old === text || countTraces(doc) <= MAX_TRACES) return changed(doc, state, () => root.applyDelta(steps))
  const draft = openToWrite(state)
  draft.getText(ROOT).applyDelta(steps)
  return changed(doc, state, () => {
    root.delete(0, root.length)
    append(doc, runsIn(draft))
  })
}

/**
 * Cuts a text in two at a UTF-16 index: what the first part's document becomes, and the runs of the second.
 * @throws {UnfitEdit} when the index is not in the text, or in the middle of a character
 */
export function splitText(state: Uint8Array, index: number): { left: TextChange; right: TextRun[] } {
  const doc = openToWrite(state)
  const root = doc.getText(ROOT)
  const { length } = root
  if (index < 0 || index > length) throw new UnfitEdit(`is not in the text, which has ${length.toLocaleString('en')}`)
  if (!isBetweenCharacters(root.toString(), index)) throw new UnfitEdit('is in the middle of a character')
  const right = runsFrom(runsIn(doc), index)
  return { left: changed(doc, state, () => root.delete(index, length - index)), right }
}

/** Adds text with formatting at the end of a document. @throws {UnfitEdit} */
export function appendRuns(state: Uint8Array, runs: readonly TextRun[]): TextChange {
  const doc = openToWrite(state)
  return changed(doc, state, () => append(doc, runs))
}

/** What a document says, with formatting: no two neighbours are formatted alike. */
export function runsOf(state: Uint8Array): TextRun[] {
  return runsIn(open(state))
}

/** What a document has seen of whom: two with the same have seen the same insertions. */
export function stateVectorOf(state: Uint8Array): Uint8Array {
  return Y.encodeStateVectorFromUpdate(state)
}

function open(state: Uint8Array): Y.Doc {
  const doc = new Y.Doc()
  // Known as a text before it is filled: else formatting that is redundant is not cleaned up.
  doc.getText(ROOT)
  limitMerging(doc, MAX_MERGING_STEPS)
  try {
    Y.applyUpdate(doc, state)
  } catch (error) {
    if (error instanceof TooEntangled) throw new UnfitEdit('is too entangled')
    throw error
  }
  return doc
}

function openToWrite(state: Uint8Array): Y.Doc {
  const doc = open(state)
  // Not before: whoever is told what they wrote themselves takes it for somebody else's, and another id.
  doc.clientID = SERVER_CLIENT
  return doc
}

/** Does something to a document and answers what came of it, once that is fit to be kept. */
function changed(doc: Y.Doc, before: Uint8Array, change: () => void): TextChange {
  // Several: Yjs removes redundant formatting in a transaction of its own.
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  change()
  const text = doc.getText(ROOT).toString()
  if (updates.length === 0) return { state: before, text, update: Y.mergeUpdates([]), isChanged: false }
  return { state: fitState(doc), text, update: Y.mergeUpdates(updates), isChanged: true }
}

/** The state of a document, once that is fit to be kept. @throws {UnfitEdit} */
function fitState(doc: Y.Doc): Uint8Array {
  requireText(doc.getText(ROOT).toString())
  if (countStructs(doc) > MAX_STRUCTS) throw new UnfitEdit('leaves the text in too many pieces')
  const state = Y.encodeStateAsUpdate(doc)
  if (state.length > MAX_STATE_BYTES) throw new UnfitEdit('makes the text with all its changes too long')
  return state
}

function requireText(text: string): void {
  if (text.includes('\0') || !text.isWellFormed()) throw new UnfitEdit('holds characters that are not text')
  if (Buffer.byteLength(text) > MAX_TEXT_BYTES)
    throw new UnfitEdit(`makes the text longer than ${MAX_TEXT_BYTES.toLocaleString('en')} bytes`)
}

function countStructs(doc: Y.Doc): number {
  return doc.store.clients.values().reduce((sum, structs) => sum + structs.length, 0)
}

function countTraces(doc: Y.Doc): number {
  return doc.store.clients.values().reduce((sum, structs) => sum + structs.filter(({ deleted }) => deleted).length, 0)
}

function runsIn(doc: Y.Doc): TextRun[] {
  const runs: TextRun[] = []
  // A document of ours holds strings and attributes that were checked before they came in.
  const delta: { insert: string; attributes?: TextAttributes }[] = doc.getText(ROOT).toDelta()
  for (const { insert: text, attributes = {} } of delta) {
    const last = runs.at(-1)
    if (last === undefined || !isAlike(last.attributes, attributes)) runs.push({ text, attributes })
    else runs[runs.length - 1] = { text: last.text + text, attributes }
  }
  return runs
}

/** First the text, then each attribute where it goes on: run by run, a long one would be written again for each. */
function append(doc: Y.Doc, runs: readonly TextRun[]): void {
  const root = doc.getText(ROOT)
  const start = root.length
  doc.transact(() => {
    root.insert(start, runs.map(({ text }) => text).join(''), {})
    for (const { name, value, from, to } of stretchesOf(runs)) root.format(start + from, to - from, { [name]: value })
  })
}

function replacement(runs: readonly TextRun[], old: string, text: string) {
  let index = 0
  return textDiff(old, text).map((step) => {
    if ('insert' in step) return { insert: step.insert, attributes: attributesAround(runs, index) }
    const length = 'keep' in step ? step.keep : step.remove
    index += length
    return 'keep' in step ? { retain: length } : { delete: length }
  })
}
