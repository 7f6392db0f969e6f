import { defineEntity, p } from '@mikro-orm/postgresql'
import { oneOf } from '../../../platform/database/one-of.ts'
import type { Table } from '../../../platform/database/tables.ts'
import { Organization } from '../../accounts/organizations/organization.entity.ts'

export const searchKinds = ['PAGE', 'BLOCK', 'MESSAGE'] as const
/** What can be found: a page by its title, a block and a message by their text. */
export type SearchKind = (typeof searchKinds)[number]

export const SearchTextSchema = defineEntity({
  name: 'SearchText',
  tableName: 'search_text',
  indexes: [
    {
      name: 'search_text_words_index',
      // With the organization in it, so that a word costs one of them nothing that others use often; and whoever may read
      // little nothing that the others of the organization use often. Without a list of what is to be sorted in later, which
      // each look into the index would read as a whole: whoever waits for the sorting is an indexer, and nobody else.
      expression:
        'create index "search_text_words_index" on "search_text" using gin ("organization_id", "home_id", "words") with (fastupdate = off)',
    },
    {
      name: 'search_text_titles_index',
      // Titles are few, and what has one of several words is very much.
      expression: `create index "search_text_titles_index" on "search_text" using gin ("organization_id", "words") with (fastupdate = off) where "kind" = 'PAGE'`,
    },
    { properties: ['organization', 'language'] },
  ],
  checks: [{ property: 'kind', expression: oneOf('kind', searchKinds) }],
  properties: {
    /** The page, the block or the message. Not a foreign key: what is gone is noticed by the indexer. */
    subjectId: p.uuid().primary(),
    organization: () => p.manyToOne(Organization).mapToPk(),
    kind: p.string().length(8).$type<SearchKind>(),
    /**
     * The page or the chat session it stood in when it was indexed: good for narrowing a search, never for deciding who may
     * see something.
     */
    homeId: p.uuid(),
    /** The text search configuration its words were stemmed by. */
    language: p.string().length(16),
    words: p.string().columnType('tsvector'),
    /** How many words it has. */
    length: p.integer(),
    /** The newest change it follows: of two who index the same text at once, the later one stays. */
    changeId: p.bigint('number'),
  },
})

/** What a text is found by, kept beside it by the indexer. */
export class SearchText extends SearchTextSchema.class {}
SearchTextSchema.setClass(SearchText)

export const SearchWordSchema = defineEntity({
  name: 'SearchWord',
  tableName: 'search_word',
  indexes: [
    {
      name: 'search_word_trigram_index',
      expression:
        'create index "search_word_trigram_index" on "search_word" using gin ("organization_id", "word" gin_trgm_ops) with (fastupdate = off)',
    },
  ],
  properties: {
    organization: () => p.manyToOne(Organization).mapToPk().primary(),
    word: p.string().length(40).collation('C').primary(),
  },
})

/** A word somebody in the organization wrote: what begins like it or is nearly it is found by way of it. */
export class SearchWord extends SearchWordSchema.class {}
SearchWordSchema.setClass(SearchWord)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    search_text: Table<typeof SearchTextSchema>
    search_word: Table<typeof SearchWordSchema>
  }
}
