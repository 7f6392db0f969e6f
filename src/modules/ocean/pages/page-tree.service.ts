import { sql } from 'kysely'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { AccessMoved, InvalidInput, NotFound, UserError } from '../../../platform/errors.ts'
import { MAX_BLOCK_DEPTH } from '../blocks/block.entity.ts'
import { MAX_PAGE_DEPTH } from './page.entity.ts'

/** Something would stand deeper in others of its kind than the tree goes. */
export class NestedTooDeep extends UserError {
  readonly code = 'NESTED_TOO_DEEP'
  constructor() {
    super(`Pages stand at most ${MAX_PAGE_DEPTH} deep in each other, blocks at most ${MAX_BLOCK_DEPTH}.`)
  }
}

/** Something would stand in itself, or in what stands in it. */
export class WouldCreateCycle extends UserError {
  readonly code = 'WOULD_CREATE_CYCLE'
  constructor() {
    super('Nothing can stand in itself, or in what stands in it.')
  }
}

/** What pages stand in: a page, a project, or the top of the organization where both are null. */
export interface PageHome {
  /** That of the parent, where there is one. */
  readonly projectId: string | null
  readonly parentId: string | null
}

/** A page as a change of the tree sees it. */
export interface TreePage extends PageHome {
  readonly id: string
  readonly depth: number
  readonly version: number
  readonly isArchived: boolean
  readonly archivedWithId: string | null
}

/**
 * Takes the locks under which the structure of these projects' pages changes, or of the pages outside of projects: always
 * before any page's own.
 */
export async function lockSpaces(tx: Transaction, projectIds: readonly (string | null)[]): Promise<void> {
  const { organizationId } = tx.db
  const spaces = new Map(projectIds.map((id) => [id ?? organizationId, id === null]))
  for (const [id, isOrganization] of [...spaces].sort(([one], [other]) => (String(one) < String(other) ? -1 : 1))) {
    await (isOrganization
      ? tx.unscoped.selectFrom('organization').select('id').where('id', '=', id).forNoKeyUpdate().execute()
      : tx.db.from('project').select('project.id').where('project.id', '=', id).forNoKeyUpdate().execute())
  }
}

/** What is changed at once with the page above it, at most. */
export const MAX_PAGES_BELOW = 5_000

/**
 * Locks a page and all under it, in order of their ids, and answers them in that order; none when it is gone. Under the lock
 * of its space only new pages can come to be there meanwhile, so it looks until it finds no more.
 * @throws {InvalidInput} at `id`, when there are too many to change at once
 */
export async function lockSubtree(
  tx: Transaction,
  rootId: string,
  strength: 'no key update' | 'update' = 'no key update',
): Promise<readonly TreePage[]> {
  const { organizationId } = tx.db
  const lock = strength === 'update' ? sql`for update` : sql`for no key update`
  for (let known = -1; ; ) {
    const { rows } = await sql<TreePage>`
      select id, parent_id as "parentId", project_id as "projectId", depth, version,
        archived_at is not null as "isArchived", archived_with_id as "archivedWithId"
      from page where organization_id = ${organizationId} and id in (${below(rootId, organizationId)})
      order by id limit ${MAX_PAGES_BELOW + 2} ${lock}`.execute(tx.unscoped)
    if (rows.length > MAX_PAGES_BELOW + 1) {
      const message = `has more than ${MAX_PAGES_BELOW.toLocaleString('en')} pages under it`
      throw new InvalidInput([{ path: ['id'], message }])
    }
    if (rows.length === known) return rows
    known = rows.length
  }
}

/** The ids of a page and of all under it, as a query. */
export function below(rootId: string, organizationId: string | null) {
  return sql<string>`
    with recursive below (id) as (
      select page.id from page where page.organization_id = ${organizationId} and page.id = ${rootId}
      union all
      select page.id from page join below on page.parent_id = below.id where page.organization_id = ${organizationId}
    ) select id from below`
}

/**
 * The depth of what comes to stand there, once it is sure that the parent is still as its gate saw it. With `hold` it stays
 * so until the commit; under the lock of its space it does anyway.
 * @throws {NotFound | NestedTooDeep}
 * @throws {AccessMoved} when the gate is to be asked again
 */
export async function depthIn(tx: Transaction, home: PageHome, hold: 'hold' | 'is held' = 'is held'): Promise<number> {
  if (home.parentId === null) return 1
  const query = tx.db
    .from('page')
    .where('page.id', '=', home.parentId)
    .select(['page.project_id as projectId', 'page.depth', 'page.archived_at as archivedAt'])
  const parent = await (hold === 'hold' ? query.forShare() : query).executeTakeFirst()
  if (parent === undefined) throw new NotFound('page', 'page.create', encodeTypeId('page', home.parentId))
  if (parent.projectId !== home.projectId || parent.archivedAt !== null) throw new AccessMoved()
  if (parent.depth >= MAX_PAGE_DEPTH) throw new NestedTooDeep()
  return parent.depth + 1
}
