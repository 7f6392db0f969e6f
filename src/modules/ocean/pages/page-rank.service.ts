import { sql } from 'kysely'
import { ranksBetween } from '../../../lib/ranks.ts'
import type { Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { violatedConstraint } from '../../../platform/database/violated-constraint.ts'
import { InvalidInput, Unavailable } from '../../../platform/errors.ts'
import { lockSpaces, type PageHome } from './page-tree.service.ts'

/** Between which siblings; at the end with neither. */
export interface PageNeighbour {
  readonly afterId: string | null
  readonly beforeId: string | null
}

/** Between two siblings there is no room for another rank: all of them are to get new ones, see `untilRankIsFree`. */
class NoRoom extends Error {
  override readonly name = 'NoRoom'
  readonly home: PageHome
  constructor(home: PageHome) {
    super('No rank is left between two siblings')
    this.home = home
  }
}

/**
 * A free rank there; whoever takes the same one at the same moment is told by the index, see `untilRankIsFree`. A page that
 * moves is no sibling of its own.
 * @throws {InvalidInput} when the neighbour does not stand there
 */
export async function rankIn(
  tx: Transaction,
  home: PageHome,
  { afterId, beforeId }: PageNeighbour = { afterId: null, beforeId: null },
  movedId: string | null = null,
): Promise<string> {
  const siblings = siblingsIn(tx, home, movedId)
  const first = (after: string) => siblings.where('page.rank', '>', after).orderBy('page.rank').limit(1)
  const last = siblings.orderBy('page.rank', 'desc').limit(1)
  const rankOf = async (query: typeof siblings) => (await query.executeTakeFirst())?.rank ?? null
  const between = (low: string | null, high: string | null) => {
    const [rank] = ranksBetween(low, high, 1) ?? []
    if (rank === undefined) throw new NoRoom(home)
    return rank
  }
  if (afterId === null && beforeId === null) return between(await rankOf(last), null)
  const anchor = await rankOf(siblings.where('page.id', '=', afterId ?? beforeId))
  if (anchor === null) {
    throw new InvalidInput([{ path: [afterId === null ? 'beforeId' : 'afterId'], message: 'does not stand there' }])
  }
  return afterId === null
    ? between(await rankOf(last.where('page.rank', '<', anchor)), anchor)
    : between(anchor, await rankOf(first(anchor)))
}

function siblingsIn(tx: Transaction, { projectId, parentId }: PageHome, movedId: string | null) {
  const all = tx.db.from('page').select(['page.id', 'page.rank'])
  // Not `is not distinct from`, which no index is used for.
  const inProject =
    projectId === null ? all.where('page.project_id', 'is', null) : all.where('page.project_id', '=', projectId)
  const siblings =
    parentId === null ? inProject.where('page.parent_id', 'is', null) : inProject.where('page.parent_id', '=', parentId)
  return movedId === null ? siblings : siblings.where('page.id', '!=', movedId)
}

/** With jitter two in a row are rare already. */
const MAX_TRIES = 10

/**
 * Runs a transaction again as long as somebody else takes the rank that it chose, and once its siblings have new ranks where
 * there was no room. @throws {Unavailable} when that goes on
 */
export async function untilRankIsFree<Result>(ctx: Context, run: () => Promise<Result>): Promise<Result> {
  let crowded: PageHome | null = null
  for (let tries = 1; ; tries += 1) {
    try {
      // In a transaction of its own: the lock of a space comes before any page's, and the other one holds pages already.
      if (crowded !== null) await renumber(ctx, crowded)
      crowded = null
      return await run()
    } catch (error) {
      if (!(error instanceof NoRoom) && violatedConstraint(error) !== 'page_sibling_rank_unique') throw error
      if (tries === MAX_TRIES) throw new Unavailable()
      if (error instanceof NoRoom) crowded = error.home
    }
  }
}

/** Gives all that stand there short ranks again, in the same order: nobody sees a rank, so there is nothing to tell. */
async function renumber(ctx: Context, home: PageHome): Promise<void> {
  await transact(ctx, async (tx) => {
    await lockSpaces(tx, [home.projectId])
    // In the order in which everybody locks pages, which is not that of their ranks.
    const siblings = await siblingsIn(tx, home, null).orderBy('page.id').forNoKeyUpdate().execute()
    const ids = siblings.toSorted((one, other) => (one.rank < other.rank ? -1 : 1)).map(({ id }) => id)
    // Out of the way first: a new rank can be the old one of another page.
    for (const ranks of [ids, ranksBetween(null, null, ids.length) ?? []]) {
      await sql`
        update page set rank = placed.rank from unnest(${ids}::uuid[], ${ranks}::text[]) as placed(id, rank)
        where page.id = placed.id and page.organization_id = ${tx.db.organizationId}`.execute(tx.unscoped)
    }
  })
}
