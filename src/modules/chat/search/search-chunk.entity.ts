import { defineEntity, p } from '@mikro-orm/postgresql'
import { oneOf } from '../../../platform/database/one-of.ts'
import type { Table } from '../../../platform/database/tables.ts'
import { Organization } from '../../accounts/organizations/organization.entity.ts'
import { type SearchKind, SearchText, searchKinds } from './search-text.entity.ts'

export const SearchChunkSchema = defineEntity({
  name: 'SearchChunk',
  tableName: 'search_chunk',
  indexes: [
    { properties: ['organization', 'hash'] },
    { properties: ['organization', 'homeId'] },
    {
      name: 'search_chunk_due_index',
      // Few wait for their vector at a time.
      expression: 'create index "search_chunk_due_index" on "search_chunk" ("id") where "model_id" is null',
    },
    {
      name: 'search_chunk_due_in_turn_index',
      expression:
        'create index "search_chunk_due_in_turn_index" on "search_chunk" ("organization_id", "id") where "model_id" is null',
    },
  ],
  uniques: [{ properties: ['subject', 'number'] }],
  checks: [{ property: 'kind', expression: oneOf('kind', searchKinds) }],
  properties: {
    id: p.uuid().primary(),
    subject: () => p.manyToOne(SearchText).mapToPk().joinColumn('subject_id').deleteRule('cascade'),
    /** From 0, in the order of the text. */
    number: p.smallint(),
    organization: () => p.manyToOne(Organization).mapToPk(),
    kind: p.string().length(8).$type<SearchKind>(),
    /** As of its text. */
    homeId: p.uuid(),
    /** Where it stands in the text of its subject, in UTF-16 units. */
    start: p.integer(),
    end: p.integer(),
    /** Of what is embedded. */
    hash: p.blob(),
    /** The model whose vector it has; null while it waits for one. */
    modelId: p.string().length(64).nullable(),
    /**
     * The signs of the vector's elements, from which the nearest are guessed where the database has no index for vectors. In
     * this table, whose rows are narrow, and without the vector, whose row is wide.
     */
    signs: p.string().columnType('varbit').nullable(),
  },
})

/** A part of a text that has a meaning of its own: at most 60 words. */
export class SearchChunk extends SearchChunkSchema.class {}
SearchChunkSchema.setClass(SearchChunk)

export const SearchVectorSchema = defineEntity({
  name: 'SearchVector',
  tableName: 'search_vector',
  properties: {
    organization: () => p.manyToOne(Organization).mapToPk().primary(),
    modelId: p.string().length(64).primary(),
    hash: p.blob().primary(),
    /** Of unit length, as little-endian 32-bit floats. */
    vector: p.blob(),
    /** How many it has. */
    dimensions: p.integer().generated('(octet_length(vector) / 4) stored'),
  },
})

/** What a model made of a text, by the text's hash: the same text costs an organization one embedding. */
export class SearchVector extends SearchVectorSchema.class {}
SearchVectorSchema.setClass(SearchVector)

declare module '../../../platform/database/tables.ts' {
  interface Tables {
    search_chunk: Table<typeof SearchChunkSchema>
    search_vector: Table<typeof SearchVectorSchema>
  }
}
