import { encodeTypeId } from '../../../lib/typeid.ts'
import { type ActingViewer, authorIdOf, type Context } from '../../../platform/context.ts'
import { InvalidInput } from '../../../platform/errors.ts'
import { may, requireAction, requireViewer } from '../../../platform/gate.ts'
import { findAgent } from '../../accounts/agents/agent.reads.ts'
import { getProject } from '../../projects/project.service.ts'
import {
  readUsageGroups,
  readUsageTotals,
  type UsageDimension,
  type UsageFilter,
  type UsageGroup,
  type UsageTotals,
} from './usage.reads.ts'

const DAY_MILLIS = 86_400_000
const MOST_DAYS = 366

/** What to tell of an organization's usage. */
export interface ReadUsage extends UsageFilter {
  readonly groupBy: readonly UsageDimension[]
  /** Groups at most. */
  readonly first: number
}

/** What an organization's answers come to. */
export interface UsageReport {
  readonly totals: UsageTotals
  readonly groups: readonly UsageGroup[]
  readonly hasMoreGroups: boolean
}

/**
 * Adds up what answers took and cost. One's own everybody may see, and administrators that of all.
 * @throws {Forbidden | NotFound | InvalidInput}
 */
export async function readUsage(ctx: Context, { groupBy, first, ...filter }: ReadUsage): Promise<UsageReport> {
  const viewer = requireViewer(ctx)
  const isOwn = filter.actorId === authorIdOf(viewer) || (await isOwnAgent(ctx, viewer, filter.actorId))
  const target = encodeTypeId('organization', viewer.organizationId)
  if (!may(ctx, 'usage.read') && isOwn) requireAction(ctx, 'credits.read', target)
  else requireAction(ctx, 'usage.read', target)
  const millis = filter.to.getTime() - filter.from.getTime()
  if (millis <= 0) throw new InvalidInput([{ path: ['to'], message: 'is not after from' }])
  if (millis > MOST_DAYS * DAY_MILLIS)
    throw new InvalidInput([{ path: ['to'], message: `is more than ${MOST_DAYS} days after from` }])
  if (filter.projectId !== null) await getProject(ctx, filter.projectId, 'project.read')
  const [totals, groups] = await Promise.all([
    readUsageTotals(ctx, filter),
    groupBy.length === 0 ? [] : readUsageGroups(ctx, filter, groupBy, first + 1),
  ])
  return { totals, groups: groups.slice(0, first), hasMoreGroups: groups.length > first }
}

/** What a person's agent asked for, that person may know. */
async function isOwnAgent(ctx: Context, viewer: ActingViewer, actorId: string | null): Promise<boolean> {
  return viewer.kind === 'user' && actorId !== null && (await findAgent(ctx, actorId))?.ownerId === viewer.userId
}
