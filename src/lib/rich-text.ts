import { createHash } from 'node:crypto'
import * as Y from 'yjs'

// A block's text is a Yjs document with one root, `text`, and a fixed set of attributes.

/** Bytes of a text in UTF-8: just under the 64 KiB that its document may have. */
export const MAX_TEXT_BYTES = 64_000

const ROOT = 'text'

/**
 * The document of a text that nobody has edited yet, as one update. It follows from the block and its text alone, so
 * that it need not be stored: whoever asks, whenever and on whatever node, gets the same one.
 */
export function seedState(blockId: string, text: string): Uint8Array {
  const doc = new Y.Doc()
  // The client of a document's only writer has to be the same each time; nobody else writes as it.
  doc.clientID = createHash('sha256').update(blockId).digest().readUInt32BE(0)
  if (text !== '') doc.getText(ROOT).insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}
