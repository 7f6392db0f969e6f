import { sql } from 'kysely'
import { renewVectors, tidyVectors } from '../../../../src/modules/chat/search/embedding.jobs.ts'
import { embedDue } from '../../../../src/modules/chat/search/embedding.service.ts'
import { findNearest } from '../../../../src/modules/chat/search/nearest.reads.ts'
import type { Platform } from '../../../../src/platform/context.ts'
import type { Embedder } from '../../../../src/platform/embedder.ts'
import { createLog } from '../../../../src/platform/log.ts'
import type { FakeEmbedder, IndexedText } from './indexed-texts.ts'
import { openStage, type Stage } from './vector-stage.ts'

/** A stage on which texts are embedded. */
export interface EmbeddingStage extends Stage {
  /** Deletes all that is indexed, embedded or due. */
  forget(): Promise<void>
  /** Embeds some of what is due, and answers how much. */
  embed(embedder: Embedder | null, signal?: AbortSignal): Promise<number>
  /** Embeds until nothing waits, and answers how many calls that took. */
  embedAll(embedder: Embedder): Promise<number>
  /** Runs the job of that name. */
  renew(embedder: Embedder | null): Promise<void>
  tidy(embedder: Embedder | null): Promise<void>
  /** The nearest to a text, and how near they are, to two places. */
  nearestTo(text: string, embedder: FakeEmbedder, organizationId: string): Promise<readonly Near[]>
  /** What is kept of an organization's texts, by model. */
  vectorsIn(organizationId: string): Promise<readonly { readonly modelId: string; readonly vector: Buffer }[]>
  /** Of which models pgvector has vectors of the organization. */
  indexedIn(organizationId: string): Promise<readonly string[]>
}

interface Near {
  readonly subjectId: string
  readonly similarity: number
}

/** Of `nearestTo` its own text. */
export const isFirst = ({ id }: IndexedText): Near => ({ subjectId: id, similarity: 1 })
/** Of `chunksIn` one that waits for its vector. */
export const waits = { modelId: null, signs: null }

const never = new AbortController().signal

/** Opens one on a copy of the lane's template. */
export async function openEmbeddingStage(): Promise<EmbeddingStage> {
  const stage = await openStage()
  const { database, contextIn } = stage
  const platformWith = (embedder: Embedder | null) =>
    ({ database, embedder, log: createLog({ level: 'warn' }) }) as Platform
  const embed: EmbeddingStage['embed'] = (embedder, signal = never) => embedDue(platformWith(embedder), signal)
  return {
    ...stage,
    forget: async () => {
      for (const table of ['search_text', 'search_vector', 'text_change']) {
        await sql`delete from ${sql.table(table)}`.execute(database.unscoped)
      }
    },
    embed,
    embedAll: async (embedder) => {
      let calls = 0
      while ((await embed(embedder)) > 0) calls += 1
      return calls
    },
    renew: (embedder) => renewVectors.run(platformWith(embedder), {}, never),
    tidy: (embedder) => tidyVectors.run(platformWith(embedder), {}, never),
    nearestTo: async (text, embedder, organizationId) => {
      const found = await findNearest(contextIn(organizationId), {
        modelId: embedder.id,
        vector: embedder.vectorOf(text),
        limit: 10,
        within: sql<boolean>`true`,
      })
      return found.map(({ subjectId, similarity }) => ({ subjectId, similarity: Number(similarity.toFixed(2)) }))
    },
    vectorsIn: async (organizationId) => {
      const { rows } = await sql<{ modelId: string; vector: Buffer }>`
        select model_id as "modelId", vector from search_vector where organization_id = ${organizationId}
        order by model_id`.execute(database.unscoped)
      return rows
    },
    indexedIn: async (organizationId) => {
      const { rows } = await sql<{ modelId: string }>`
        select near.model_id as "modelId" from pgvector.embedding as near
        join search_chunk as chunk on chunk.id = near.chunk_id
        where chunk.organization_id = ${organizationId}`.execute(database.unscoped)
      return rows.map(({ modelId }) => modelId)
    },
  }
}
