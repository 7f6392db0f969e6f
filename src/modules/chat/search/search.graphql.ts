import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { type ConnectionArguments, type KeysetConnection, keysetConnection } from '../../../graphql/connection.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { parseFilter } from '../../../graphql/mutation.ts'
import type { Snippet } from '../../../lib/search-snippet.ts'
import type { Span } from '../../../lib/span.ts'
import type { Context } from '../../../platform/context.ts'
import type { Window } from '../../../platform/database/keyset.ts'
import { BlockNode } from '../../ocean/blocks/block.graphql.ts'
import { type BlockRow, findBlock } from '../../ocean/blocks/block.reads.ts'
import { PageType } from '../../ocean/pages/page.graphql.ts'
import { findPage, type PageRow } from '../../ocean/pages/page.reads.ts'
import { ProjectType } from '../../projects/project.graphql.ts'
import { findProject } from '../../projects/project.reads.ts'
import { MessageType } from '../messages/message.graphql.ts'
import { findMessage, type MessageRow } from '../messages/message.reads.ts'
import { type Found, MAX_HITS, type Search, type SearchHit, type SearchMode, search } from './search.service.ts'
import { SearchFilterInput, SearchResultTypeEnum, searchFilter } from './search-filter.graphql.ts'
import type { SearchKind } from './search-text.entity.ts'
import { findSnippet } from './snippet.reads.ts'

/** UTF-16 units of a search: of a longer one nobody could say what it is for. */
const MAX_QUERY_LENGTH = 10_000

const modeDescriptions: Record<SearchMode, string> = {
  LEXICAL: 'By words, in the forms the language of each page gives them; also those that begin so, or are nearly so.',
  SEMANTIC:
    'By meaning, whatever the words: in the languages that the model of the server reads, and nothing in others.',
  HYBRID: 'By both: what is found both ways comes first.',
}

const SearchModeEnum = builder.enumType('SearchMode', {
  description: 'How something is found.',
  values: describedValues(modeDescriptions),
})

type SearchNode =
  | { readonly kind: 'PAGE'; readonly row: PageRow }
  | { readonly kind: 'BLOCK'; readonly row: BlockRow }
  | { readonly kind: 'MESSAGE'; readonly row: MessageRow }

/** A hit with what it is, read through its gate. */
interface ShownHit extends SearchHit {
  readonly node: SearchNode
  /** Made when it is first asked for. */
  readonly snippet: () => Promise<Snippet>
}

const SearchResultRef = builder.unionType('SearchResult', {
  description: 'What a search can find.',
  types: [PageType, BlockNode, MessageType],
  resolveType: (value) => ('sessionId' in value ? 'Message' : 'pageId' in value ? 'Block' : 'Page'),
})

const SearchHighlightRef = builder.objectRef<Span>('SearchHighlight').implement({
  description: 'A stretch of a snippet that stands out, in UTF-16 units, as strings are indexed in JavaScript.',
  fields: (t) => ({
    start: t.exposeInt('start', { description: 'Where it begins.' }),
    end: t.exposeInt('end', { description: 'Where it ends: behind it.' }),
  }),
})

const SearchHitRef = builder.objectRef<ShownHit>('SearchHit').implement({
  description: 'Something that was found, and why.',
  fields: (t) => ({
    node: t.field({ type: SearchResultRef, description: 'What it is.', resolve: ({ node }) => node.row }),
    score: t.exposeFloat('score', {
      description: 'How well it answers, from 0 to 1 for the best that is possible: the mean of its shares.',
    }),
    lexicalScore: t.float({
      nullable: true,
      description: 'Its share by words, against the best that was found so; null when it was not found so.',
      resolve: ({ lexical }) => lexical,
    }),
    semanticScore: t.float({
      nullable: true,
      description: 'Its share by meaning, against the best that was found so; null when it was not found so.',
      resolve: ({ semantic }) => semantic,
    }),
    matchedBy: t.field({
      type: [SearchModeEnum],
      description: 'How it was found: `LEXICAL`, `SEMANTIC` or both.',
      resolve: ({ lexical, semantic }) => [
        ...(lexical === null ? [] : (['LEXICAL'] as const)),
        ...(semantic === null ? [] : (['SEMANTIC'] as const)),
      ],
    }),
    snippet: t.string({
      description:
        'The part of its text, or of its title, that tells why: plain text, some three lines of it, with an ellipsis where the text goes on.',
      resolve: async ({ snippet }) => (await snippet()).text,
    }),
    highlights: t.field({
      type: [SearchHighlightRef],
      description: 'Words in the snippet that were looked for, in order. Empty where it was found by meaning alone.',
      resolve: async ({ snippet }) => [...(await snippet()).highlights],
    }),
  }),
})

const SearchTypeCountRef = builder
  .objectRef<{ readonly type: SearchKind; readonly count: number }>('SearchTypeCount')
  .implement({
    description: 'How much of a kind was found.',
    fields: (t) => ({
      type: t.field({ type: SearchResultTypeEnum, description: 'The kind.', resolve: ({ type }) => type }),
      count: t.exposeInt('count', { description: 'How much of it.' }),
    }),
  })

const SearchProjectCountRef = builder
  .objectRef<{ readonly projectId: string | null; readonly count: number }>('SearchProjectCount')
  .implement({
    description: 'How much was found in a project.',
    fields: (t) => ({
      project: t.field({
        type: ProjectType,
        nullable: true,
        description: 'The project; null for what stands in none.',
        resolve: ({ projectId }, _args, ctx) => (projectId === null ? null : findProject(ctx, projectId)),
      }),
      count: t.exposeInt('count', { description: 'How much of it.' }),
    }),
  })

const SearchFacetsRef = builder.objectRef<readonly SearchHit[]>('SearchFacets').implement({
  description: 'What was found, counted.',
  fields: (t) => ({
    types: t.field({
      type: [SearchTypeCountRef],
      description: 'By kind; kinds of which there is nothing are left out.',
      resolve: (hits) => counted(hits, ({ kind }) => kind).map(([type, count]) => ({ type, count })),
    }),
    projects: t.field({
      type: [SearchProjectCountRef],
      description: 'By project, those with most first.',
      resolve: (hits) =>
        counted(hits, ({ projectId }) => projectId).map(([projectId, count]) => ({ projectId, count })),
    }),
  }),
})

function counted<Key>(hits: readonly SearchHit[], keyOf: (hit: SearchHit) => Key): (readonly [Key, number])[] {
  const groups = [...Map.groupBy(hits, keyOf)]
  return groups.map(([key, { length }]) => [key, length] as const).toSorted(([, one], [, other]) => other - one)
}

const querySchema = z.object({ query: z.string().max(MAX_QUERY_LENGTH) })

const placeKey: z.ZodType<readonly string[]> = z.tuple([z.string().regex(/^\d{1,2}$/), z.string().regex(/^\d{1,4}$/)])

interface SearchConnectionShape extends KeysetConnection<ShownHit> {
  readonly found: () => Promise<readonly SearchHit[]>
}

// Query.search
builder.queryField('search', (t) =>
  t.connection(
    {
      type: SearchHitRef,
      description: `Finds pages, blocks and messages you may read in the active organization, the best first: ${MAX_HITS} at most. What was written is found within seconds; what you may no longer read is found no more at once. Going on with a cursor keeps the order of the first page for a minute, whatever is written meanwhile, unless many other searches of yours have followed.`,
      authScopes: { authenticated: true },
      args: {
        query: t.arg.string({
          required: true,
          description: `What to look for, in any language: words, or a question; ${MAX_QUERY_LENGTH.toLocaleString('en')} characters at most. Nothing in it is an operator. Its last word may be unfinished.`,
        }),
        mode: t.arg({ type: SearchModeEnum, defaultValue: 'HYBRID', description: 'How it is to be found.' }),
        filter: t.arg({ type: SearchFilterInput, description: 'Where to look; everywhere when left out.' }),
      },
      resolve: (_root, args, ctx) => {
        const { query } = parseFilter(querySchema, { query: args.query })
        const filter = parseFilter(searchFilter, args.filter ?? {})
        return connectionOf(
          ctx,
          { query: query.toWellFormed().replaceAll('\0', ' '), mode: args.mode ?? 'HYBRID', filter },
          args,
        )
      },
    },
    {
      name: 'SearchConnection',
      description: 'A page of what a search found.',
      fields: (t) => ({
        facets: t.field({
          type: SearchFacetsRef,
          description: 'All that was found, not this page alone, counted.',
          resolve: (connection) => (connection as SearchConnectionShape).found(),
        }),
      }),
    },
    { name: 'SearchEdge', description: 'Something that was found and its place.' },
  ),
)

async function connectionOf(ctx: Context, wanted: Search, args: ConnectionArguments): Promise<SearchConnectionShape> {
  let opened: Promise<Found> | undefined
  const open = (earlier: string | null, size: number) => {
    opened ??= search(ctx, wanted, { earlier, size })
    return opened
  }
  const found = async () => (await open(null, MAX_HITS)).hits
  const searchOf = new WeakMap<ShownHit, string>()
  const connection = await keysetConnection<ShownHit>({
    args,
    keySchema: placeKey,
    keyOf: (hit) => [searchOf.get(hit) ?? '', String(hit.place)],
    rows: async (window) => {
      const { id, hits, words } = await open((window.after ?? window.before)?.[0] ?? null, window.limit - 1)
      const shown = await Promise.all(stretchOf(hits, window).map((hit) => shownHit(ctx, hit, words)))
      const rows = shown.filter((hit) => hit !== null)
      for (const hit of rows) searchOf.set(hit, id)
      return rows
    },
    count: async () => (await found()).length,
  })
  return { ...connection, found }
}

function stretchOf(hits: readonly SearchHit[], { after, before, limit, inverted }: Window): readonly SearchHit[] {
  const [first, last] = [Number(after?.[1] ?? -1), Number(before?.[1] ?? Number.POSITIVE_INFINITY)]
  const within = hits.filter(({ place }) => place > first && place < last)
  return (inverted ? within.toReversed() : within).slice(0, limit)
}

/** Through the gate of what it is: null when that is closed by now. */
async function shownHit(ctx: Context, hit: SearchHit, words: Found['words']): Promise<ShownHit | null> {
  const node = await nodeOf(ctx, hit)
  if (node === null) return null
  let made: Promise<Snippet> | undefined
  const make = async () => findSnippet(ctx, { id: hit.id, text: textOf(node), words: await words(), start: hit.start })
  const snippet = () => {
    made ??= make()
    return made
  }
  return { ...hit, node, snippet }
}

async function nodeOf(ctx: Context, { kind, id }: SearchHit): Promise<SearchNode | null> {
  switch (kind) {
    case 'PAGE': {
      const row = await findPage(ctx, id)
      return row && { kind, row }
    }
    case 'BLOCK': {
      const row = await findBlock(ctx, id)
      return row && { kind, row }
    }
    case 'MESSAGE': {
      const row = await findMessage(ctx, id)
      return row && { kind, row }
    }
  }
}

function textOf(node: SearchNode): string {
  switch (node.kind) {
    case 'PAGE':
      return node.row.title
    case 'BLOCK':
      return node.row.text
    case 'MESSAGE':
      return node.row.content
  }
}
