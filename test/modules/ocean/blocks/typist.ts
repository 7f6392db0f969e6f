import * as Y from 'yjs'
import { runsOf, type TextRun } from '../../../../src/lib/rich-text.ts'
import {
  BlockDocument,
  EditBlockTextDocument,
  type EditBlockTextMutation,
  UpdateBlockDocument,
  type UpdateBlockInput,
} from '../../../gql/graphql.ts'
import type { Client } from '../../../kit/client.ts'

// Somebody who types in a block, with a copy of its document as a front end has.

/** A copy of a block's document, as it is now. */
export async function copyOf(person: Client, id: string): Promise<Y.Doc> {
  const { block } = await person.query(BlockDocument, { id })
  if (!block) throw new Error('The block could not be read')
  const doc = new Y.Doc()
  // Known as a text before it is filled: else Yjs would not see that it has formatting.
  doc.getText('text')
  Y.applyUpdate(doc, Buffer.from(block.textState, 'base64'))
  return doc
}

/** Does something to a copy, and answers the update to send. */
export function edit(doc: Y.Doc, change: (text: Y.Text) => void): Uint8Array {
  const updates: Uint8Array[] = []
  const note = (update: Uint8Array) => updates.push(update)
  doc.on('update', note)
  doc.transact(() => change(doc.getText('text')))
  doc.off('update', note)
  return Y.mergeUpdates(updates)
}

/** An update as it is sent. */
export function base64(update: Uint8Array): string {
  return Buffer.from(update).toString('base64')
}

/** Sends an update and answers what it came to. */
export async function send(
  person: Client,
  id: string,
  update: Uint8Array,
): Promise<NonNullable<EditBlockTextMutation['editBlockText']>> {
  const { editBlockText } = await person.mutate(EditBlockTextDocument, { input: { id, update: base64(update) } })
  return editBlockText
}

/** Types something in a block, on a new copy. */
export async function type(person: Client, id: string, change: (text: Y.Text) => void): Promise<Uint8Array> {
  const update = edit(await copyOf(person, id), change)
  const result = await send(person, id, update)
  if (result.__typename !== 'Block') throw new Error(`The edit came to ${JSON.stringify(result)}`)
  return update
}

/** Changes a block and answers what that came to. */
export async function update(person: Client, input: UpdateBlockInput) {
  return (await person.mutate(UpdateBlockDocument, { input })).updateBlock
}

/** What a copy says, with formatting. */
export function runsIn(doc: Y.Doc): TextRun[] {
  return runsOf(Y.encodeStateAsUpdate(doc))
}
