import * as Y from 'yjs'

// Yjs finds the place of what was written at the same time at the same spot by a walk over all that stands there. For
// honest writers that is a handful of pieces. An update can be made so that each of its pieces walks over all others,
// in the reader's process as in everybody's who opens the document later. The walk has no limit of its own, so it is
// measured here before it is made.

/** It would take too many steps to merge. */
export class TooEntangled extends Error {
  override readonly name = 'TooEntangled'
}

const stepsLeft = new WeakMap<Y.Doc, number>()
const { integrate } = Y.Item.prototype

/** From here on what is merged into a document may walk so far in all. @throws {TooEntangled} where it is merged */
export function limitMerging(doc: Y.Doc, steps: number): void {
  stepsLeft.set(doc, steps)
}

Y.Item.prototype.integrate = function (this: Y.Item, transaction: Y.Transaction, offset: number): void {
  const { doc } = transaction
  const left = stepsLeft.get(doc)
  if (left !== undefined) stepsLeft.set(doc, left - walk(this, doc, offset, left))
  integrate.call(this, transaction, offset)
}

/** How many pieces stand between the neighbours that an item names; throws beyond `most`. */
function walk(item: Y.Item, doc: Y.Doc, offset: number, most: number): number {
  // What is known in part follows the known part.
  const own = offset > 0 ? doc.store.clients.get(item.id.client)?.at(-1) : item.left
  const first = own instanceof Y.Item ? own.right : item.parent instanceof Y.AbstractType ? item.parent._start : null
  let steps = 0
  for (let next = first; next !== null && next !== item.right; next = next.right) {
    steps += 1
    if (steps > most) throw new TooEntangled()
  }
  return steps
}
