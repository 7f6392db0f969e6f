import { expect } from 'vitest'
import { BlockDocument, CreateLinkDocument, type CreateLinkInput, UpdateBlockDocument } from '../gql/graphql.ts'
import type { Client } from './client.ts'
import type { TestServer } from './server.ts'

/** Makes a link and answers it. */
export async function makeLink(person: Client, input: CreateLinkInput) {
  const { createLink: link } = await person.mutate(CreateLinkDocument, { input })
  if (link.__typename !== 'Link') throw new Error(`The link came to ${JSON.stringify(link)}`)
  return link
}

/** The links of a block, as somebody sees them. */
export async function linksFrom(person: Client, id: string) {
  const { block } = await person.query(BlockDocument, { id })
  if (block === null || block === undefined) throw new Error(`There is no block ${id}`)
  return block.links
}

/** Where the links of a block lead: addresses and ids, in no order; null for those that lead nowhere. */
export async function targetsFrom(person: Client, id: string): Promise<(string | null)[]> {
  const targets = (await linksFrom(person, id)).map(
    ({ url, target }) => url ?? (target && 'id' in target ? target.id : null),
  )
  return targets.toSorted()
}

/** Replaces the text of a block. */
export async function rewrite(person: Client, id: string, text: string): Promise<void> {
  const { updateBlock } = await person.mutate(UpdateBlockDocument, { input: { id, text } })
  if (updateBlock.__typename !== 'Block') throw new Error(`The block came to ${JSON.stringify(updateBlock)}`)
}

/** Waits until no text is left whose links are to be looked for. */
export async function untilLinked({ app }: TestServer): Promise<void> {
  const due = app.platform.database.unscoped.selectFrom('block').select('id').where('is_linking_due', '=', true)
  await expect.poll(() => due.execute(), { interval: 20 }).toEqual([])
}
