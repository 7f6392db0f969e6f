import {
  ArchivePageDocument,
  CreatePageDocument,
  type CreatePageInput,
  type CreatePageMutation,
  DeletePageDocument,
  DuplicatePageDocument,
  type DuplicatePageInput,
  MovePageDocument,
  type MovePageInput,
  RestorePageDocument,
  UpdatePageDocument,
  type UpdatePageInput,
} from '../../../gql/graphql.ts'
import type { Person } from '../../../kit/people.ts'

/** A page as a mutation answers it. */
export type MadePage = Extract<NonNullable<CreatePageMutation['createPage']>, { __typename: 'Page' }>

/** Makes a page, with this title unless told otherwise. */
export async function make(person: Person, input: Partial<CreatePageInput> = {}): Promise<MadePage> {
  const { createPage: made } = await person.mutate(CreatePageDocument, { input: { title: 'A page', ...input } })
  if (made.__typename !== 'Page') throw new Error(`The page came to ${JSON.stringify(made)}`)
  return made
}

/** Makes pages one in another and answers their ids, outermost first. */
export async function makeChain(person: Person, length: number, input: Partial<CreatePageInput> = {}) {
  const ids: string[] = []
  for (let depth = 1; depth <= length; depth += 1) {
    ids.push((await make(person, { ...input, title: `${depth}`, parentId: ids.at(-1) ?? input.parentId ?? null })).id)
  }
  return ids
}

/** Each verb of pages, as it is answered. */
export const verbs = {
  create: async (person: Person, input: CreatePageInput) =>
    (await person.mutate(CreatePageDocument, { input })).createPage,
  update: async (person: Person, input: UpdatePageInput) =>
    (await person.mutate(UpdatePageDocument, { input })).updatePage,
  move: async (person: Person, input: MovePageInput) => (await person.mutate(MovePageDocument, { input })).movePage,
  archive: async (person: Person, id: string) =>
    (await person.mutate(ArchivePageDocument, { input: { id } })).archivePage,
  restore: async (person: Person, id: string) =>
    (await person.mutate(RestorePageDocument, { input: { id } })).restorePage,
  remove: async (person: Person, id: string) => (await person.mutate(DeletePageDocument, { input: { id } })).deletePage,
  duplicate: async (person: Person, input: DuplicatePageInput) =>
    (await person.mutate(DuplicatePageDocument, { input })).duplicatePage,
}

interface Shown {
  readonly id: string
  readonly title: string
  readonly depth: number
  readonly archivedAt: string | null
  readonly version: number
  readonly parent: { readonly id: string } | null
  readonly project: { readonly id: string } | null
  readonly ancestors: readonly { readonly title: string }[]
  readonly children: { readonly totalCount: number; readonly nodes: readonly { readonly title: string }[] }
}

const shownPage = `query ($id: ID!) { page(id: $id) {
  id title depth archivedAt version parent { id } project { id } ancestors { title } children { totalCount nodes { title } }
} }`

/** A page with its place in the tree; null for whoever may not see it. */
export async function look(person: Person, id: string): Promise<Shown | null> {
  const { data, errors } = await person.send<{ page: Shown | null }, object>(shownPage, { id })
  if (!data) throw new Error(`The page failed: ${JSON.stringify(errors)}`)
  return data.page
}

/** The titles of what stands in a page, in order. */
export async function childrenOf(person: Person, id: string): Promise<string[] | undefined> {
  return (await look(person, id))?.children.nodes.map(({ title }) => title)
}

const shownTop = `query ($id: ID!) { project(id: $id) {
  pages(first: 100, filter: { isTopLevel: true }, orderBy: TREE) { nodes { title } }
} }`

/** The titles of the pages at the top of a project, in order. */
export async function topOf(person: Person, projectId: string): Promise<string[] | undefined> {
  type Top = { project: { pages: { nodes: { title: string }[] } } | null }
  const { data } = await person.send<Top, object>(shownTop, { id: projectId })
  return data?.project?.pages.nodes.map(({ title }) => title)
}

/** The type of an answer, and where it was wrong if the input was. */
export function factOf(answer: { readonly __typename: string; readonly fields?: readonly { path: string[] }[] }) {
  return answer.fields === undefined ? answer.__typename : answer.fields.map(({ path }) => path.join('.'))
}
