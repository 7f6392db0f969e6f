import { CreateTagDocument, type CreateTagInput, TagPageDocument, UntagPageDocument } from '../gql/graphql.ts'
import type { Client } from './client.ts'

/** Makes a tag and answers it. */
export async function makeTag(person: Client, name: string, input: Partial<CreateTagInput> = {}) {
  const { createTag: tag } = await person.mutate(CreateTagDocument, { input: { name, ...input } })
  if (tag.__typename !== 'Tag') throw new Error(`The tag came to ${JSON.stringify(tag)}`)
  return tag
}

/** Marks a page with a tag and answers the page. */
export async function mark(person: Client, page: { id: string }, tag: { id: string }) {
  const { tagPage: marked } = await person.mutate(TagPageDocument, { input: { pageId: page.id, tagId: tag.id } })
  if (marked.__typename !== 'Page') throw new Error(`The page came to ${JSON.stringify(marked)}`)
  return marked
}

/** Takes a tag off a page and answers the page. */
export async function unmark(person: Client, page: { id: string }, tag: { id: string }) {
  const { untagPage: bare } = await person.mutate(UntagPageDocument, { input: { pageId: page.id, tagId: tag.id } })
  if (bare.__typename !== 'Page') throw new Error(`The page came to ${JSON.stringify(bare)}`)
  return bare
}
