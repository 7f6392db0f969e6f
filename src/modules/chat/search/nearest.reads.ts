import type { RawBuilder, SqlBool } from 'kysely'
import type { Context } from '../../../platform/context.ts'
import type { SearchKind } from './search-text.entity.ts'
export interface NearestChunk {
  readonly subjectId: string
  readonly kind: SearchKind
  readonly homeId: string
  readonly start: number
  readonly end: number
  readonly similarity: number
}
export async function findNearest(
  _c: Context,
  _o: { modelId: string; vector: Float32Array; limit: number; within: RawBuilder<SqlBool> },
): Promise<NearestChunk[]> {
  return []
}
