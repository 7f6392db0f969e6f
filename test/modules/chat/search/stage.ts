import { SearchDocument, type SearchQuery, type SearchQueryVariables } from '../../../gql/graphql.ts'
import type { Client } from '../../../kit/client.ts'

/** A page of what was found. */
export type Found = SearchQuery['search']
export type Edge = Found['edges'][number]
export type Hit = Edge['node']

/** What a search may be told beside its words. */
export type Wishes = Partial<Omit<SearchQueryVariables, 'query'>>

/** What a search by words finds, unless told otherwise; up to 100. */
export async function searched(person: Client, query: string, wishes: Wishes = {}): Promise<Found> {
  return (await person.query(SearchDocument, { query, mode: 'LEXICAL', first: 100, ...wishes })).search
}

/** The texts of what a search finds, or as much of them as is shown, best first. */
export async function found(person: Client, query: string, wishes: Wishes = {}): Promise<string[]> {
  return (await searched(person, query, wishes)).edges.map(({ node }) => node.snippet)
}

/** The ids of what a search finds, best first. */
export async function foundIds(person: Client, query: string, wishes: Wishes = {}): Promise<string[]> {
  return (await searched(person, query, wishes)).edges.map(({ node }) => node.node.id)
}

/** The words of a hit's snippet that stand out. */
export function standingOut({ snippet, highlights }: Pick<Hit, 'snippet' | 'highlights'>): string[] {
  return highlights.map(({ start, end }) => snippet.slice(start, end))
}

/** The page, or the chat session, of a hit. */
export function homeOf({ node }: Pick<Hit, 'node'>): string {
  if (node.__typename === 'Page') return node.id
  return node.__typename === 'Block' ? (node.page?.id ?? '') : (node.session?.id ?? '')
}
