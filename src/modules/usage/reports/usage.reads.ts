import { sql } from 'kysely'
import type { Context } from '../../../platform/context.ts'
import { isOpenTo } from '../../projects/project-access.reads.ts'

/** By what usage is told apart. */
export const usageDimensions = ['DAY', 'MODEL', 'PROJECT', 'ACTOR'] as const
export type UsageDimension = (typeof usageDimensions)[number]

/** What of an organization's answers to add up. */
export interface UsageFilter {
  /** When they ended: from here on, and before there. */
  readonly from: Date
  readonly to: Date
  readonly projectId: string | null
  readonly actorId: string | null
  readonly modelId: string | null
}

/** What answers come to together. */
export interface UsageTotals {
  readonly answers: number
  readonly inputTokens: bigint
  readonly cachedInputTokens: bigint
  readonly outputTokens: bigint
  readonly reasoningTokens: bigint
  /** Millionths of a credit. */
  readonly cost: bigint
}

/** Those of one day, model, project or actor; null where it is not told apart by that. */
export interface UsageGroup extends UsageTotals {
  /** In UTC: `2026-11-27`. */
  readonly day: string | null
  readonly modelId: string | null
  readonly projectId: string | null
  readonly actorId: string | null
}

const keyOf = {
  DAY: sql.ref<string>('seen.day'),
  MODEL: sql.ref<string>('seen.model_id'),
  PROJECT: sql.ref<string | null>('seen.seen_project_id'),
  ACTOR: sql.ref<string>('seen.actor_id'),
} as const

const sums = [
  sql<number>`count(*)`.as('answers'),
  sql<string>`coalesce(sum(input_tokens), 0)::text`.as('input'),
  sql<string>`coalesce(sum(cached_input_tokens), 0)::text`.as('cached'),
  sql<string>`coalesce(sum(output_tokens), 0)::text`.as('output'),
  sql<string>`coalesce(sum(reasoning_tokens), 0)::text`.as('reasoning'),
  sql<string>`coalesce(sum(cost), 0)::text`.as('cost'),
] as const

/** What all answers come to. */
export async function readUsageTotals(ctx: Context, filter: UsageFilter): Promise<UsageTotals> {
  return totalsOf(await charges(ctx, filter).select(sums).executeTakeFirstOrThrow())
}

/** The same told apart, by day in order of days, and of one day the dearest first. */
export async function readUsageGroups(
  ctx: Context,
  filter: UsageFilter,
  dimensions: readonly UsageDimension[],
  limit: number,
): Promise<UsageGroup[]> {
  const { db } = ctx
  const seen = charges(ctx, filter)
    .selectAll('charge')
    .select([
      sql<string>`to_char(charge.ended_at at time zone 'UTC', 'YYYY-MM-DD')`.as('day'),
      // A project that cannot be read is none: what was asked there stands with what was asked in none.
      sql<string | null>`case when ${isOpenTo(db, 'project.read', 'charge.project_id')} then charge.project_id end`.as(
        'seen_project_id',
      ),
    ])
  const of = (dimension: UsageDimension) => (dimensions.includes(dimension) ? keyOf[dimension] : sql<null>`null`)
  const keys = dimensions.map((dimension) => keyOf[dimension])
  const rows = await ctx.platform.database.unscoped
    .selectFrom(seen.as('seen'))
    .select([...sums, of('DAY').as('day'), of('MODEL').as('modelId')])
    .select([of('PROJECT').as('projectId'), of('ACTOR').as('actorId')])
    .groupBy(keys)
    .orderBy(
      sql.join([...(dimensions.includes('DAY') ? [keyOf.DAY] : []), sql`sum(cost) desc, count(*) desc`, ...keys]),
    )
    .limit(limit)
    .execute()
  return rows.map(({ day, modelId, projectId, actorId, ...row }) => {
    return { ...totalsOf(row), day, modelId, projectId, actorId }
  })
}

function charges({ db }: Context, { from, to, projectId, actorId, modelId }: UsageFilter) {
  let query = db
    .from('charge')
    .where('charge.status', '=', 'SETTLED')
    .where('charge.ended_at', '>=', from)
    .where('charge.ended_at', '<', to)
  if (projectId !== null) query = query.where('charge.project_id', '=', projectId)
  if (actorId !== null) query = query.where('charge.actor_id', '=', actorId)
  return modelId === null ? query : query.where('charge.model_id', '=', modelId)
}

interface Sums {
  readonly answers: number
  readonly input: string
  readonly cached: string
  readonly output: string
  readonly reasoning: string
  readonly cost: string
}

function totalsOf({ answers, input, cached, output, reasoning, cost }: Sums): UsageTotals {
  return {
    answers,
    inputTokens: BigInt(input),
    cachedInputTokens: BigInt(cached),
    outputTokens: BigInt(output),
    reasoningTokens: BigInt(reasoning),
    cost: BigInt(cost),
  }
}
