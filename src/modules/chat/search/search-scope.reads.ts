import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Context } from '../../../platform/context.ts'
import { isGrantedTo } from '../../../platform/gate.ts'
import { readablePages } from '../../ocean/pages/page.reads.ts'
import { readableSessions } from '../sessions/chat-session.reads.ts'
import { type SearchKind, searchKinds } from './search-text.entity.ts'

/** Which things a search is for; null and empty narrow nothing, and an id that names nothing matches nothing. */
export interface SearchFilter {
  readonly kinds: readonly SearchKind[]
  readonly projectId: string | null
  readonly tagId: string | null
  /** A person, or an agent. */
  readonly createdById: string | null
  /** The moments between which something was last changed; the second is not among them. */
  readonly updatedFrom: Date | null
  readonly updatedBefore: Date | null
  readonly isArchived: boolean | null
}

/** Something that may be shown. */
export interface Findable {
  readonly id: string
  readonly kind: SearchKind
  /** The page or the chat session it stands in. */
  readonly homeId: string
  readonly projectId: string | null
}

type Predicate = RawBuilder<SqlBool>

/** The kinds of things the viewer may find at all, of those that are searched for. */
export function findableKinds(ctx: Context, { kinds, tagId }: SearchFilter): readonly SearchKind[] {
  const mayReadPages = isGrantedTo(ctx, 'page.read')
  const may: Readonly<Record<SearchKind, boolean>> = {
    PAGE: mayReadPages,
    BLOCK: mayReadPages && isGrantedTo(ctx, 'block.read'),
    // What is said has no tags.
    MESSAGE: isGrantedTo(ctx, 'chat_session.read') && tagId === null,
  }
  const all: readonly SearchKind[] = ['PAGE', 'BLOCK', 'MESSAGE']
  return all.filter((kind) => may[kind] && (kinds.length === 0 || kinds.includes(kind)))
}

/** The pages and chat sessions that the viewer may read and the filter leads to. */
export interface Homes {
  /** A query for their ids. */
  readonly query: RawBuilder<unknown>
  /** Their ids, unless they are many. An index begins with them, and with a query only where it is known to find few. */
  readonly few: readonly string[] | null
}

/** For more than this, looking up each costs more than to look at what others have. */
const FEW_HOMES = 100

/** Where the viewer may look for things of these kinds. */
export async function homesIn(ctx: Context, filter: SearchFilter, kinds: readonly SearchKind[]): Promise<Homes> {
  const pages = kinds.some((kind) => kind !== 'MESSAGE') ? [sql`${pagesIn(ctx, filter).select('page.id')}`] : []
  const sessions = kinds.includes('MESSAGE') ? [sql`${sessionsIn(ctx, filter).select('chat_session.id')}`] : []
  const homes = [...pages, ...sessions]
  const query = homes.length === 0 ? sql`select null::uuid where false` : sql`${sql.join(homes, sql` union all `)}`
  const { rows } = await sql<{ id: string }>`
    select id from (${query}) as home (id) limit ${FEW_HOMES + 1}`.execute(ctx.platform.database.unscoped)
  return { query, few: rows.length > FEW_HOMES ? null : rows.map(({ id }) => id) }
}

/** That a column is the id of one of them; `among` is their query where it stands in the statement already. */
export function isHome(column: RawBuilder<unknown>, { query, few }: Homes, among = query): Predicate {
  return few === null ? sql<SqlBool>`${column} in (${among})` : sql<SqlBool>`${column} = any(${few}::uuid[])`
}

/**
 * A predicate over the rows of an index, known by this alias, with a `kind` and `subject_id`: that they meet another, which is
 * about where they stood when they were indexed, and are what the filter is for. It keeps the number of candidates down. What is shown
 * goes through `findFindable`, which asks what is so now.
 */
export function isWithin(
  alias: string,
  isAtHome: Predicate,
  filter: SearchFilter,
  kinds: readonly SearchKind[],
): Predicate {
  const column = (name: string) => sql.ref(`${alias}.${name}`)
  const rules = kinds.map((kind) => {
    const facts = isAmong(kind, filter)
    const isKind = sql`${column('kind')} = ${kind}`
    if (facts === null) return isKind
    const table = sql.table(tables[kind])
    // With an offset, Postgres looks each up by its id; else it might rather read all rows of which the facts are so.
    return sql`(${isKind} and exists (select from ${table} where id = ${column('subject_id')} and ${facts} offset 0))`
  })
  if (rules.length === 0) return sql<SqlBool>`false`
  // Of all kinds nothing is left to ask, and there may be very many rows.
  if (searchKinds.every((kind) => kinds.includes(kind) && isAmong(kind, filter) === null)) return isAtHome
  return sql<SqlBool>`(${isAtHome} and (${sql.join(rules, sql` or `)}))`
}

/** Those of these things that the viewer may read and the filter lets through, as they stand now. */
export async function findFindable(
  ctx: Context,
  filter: SearchFilter,
  ids: Readonly<Record<SearchKind, readonly string[]>>,
): Promise<Findable[]> {
  // In two steps: whatever Postgres begins the join of them with, without statistics it is the wrong one, and in the embedded
  // database, which has none, took two seconds for 150 blocks on 150 pages.
  const placed = await placesOf(ctx, filter, ids)
  const pages = ids.PAGE.map((id) => ({ id, kind: 'PAGE' as const, homeId: id }))
  const homes = new Map((await openHomes(ctx, filter, [...placed, ...pages])).map((home) => [home.id, home]))
  return [...placed, ...pages].flatMap((thing) => {
    const home = homes.get(thing.homeId)
    if (home === undefined || (thing.kind === 'PAGE' && !home.isAmong)) return []
    return [{ ...thing, projectId: home.projectId }]
  })
}

type Placed = Omit<Findable, 'projectId'>

/** Where blocks and messages stand, of those that the filter is for. */
async function placesOf(
  { platform, db }: Context,
  filter: SearchFilter,
  { BLOCK, MESSAGE }: Readonly<Record<SearchKind, readonly string[]>>,
): Promise<readonly Placed[]> {
  // Each is looked up by its id, and whose it is asked then: an index of what an organization has would be gone through for each.
  const of = (kind: SearchKind, home: string, ids: readonly string[]) => sql`
    select one.id, ${kind} as kind, one.home_id as "homeId"
    from unnest(${ids}::uuid[]) as wanted(id) cross join lateral (
      select id, organization_id, ${sql.ref(home)} as home_id, ${isAmong(kind, filter) ?? sql`true`} as is_among
      from ${sql.table(tables[kind])} where id = wanted.id offset 0
    ) as one where one.organization_id = ${db.organizationId}::uuid and one.is_among`
  if (BLOCK.length + MESSAGE.length === 0) return []
  const union = sql<Placed>`${of('BLOCK', 'page_id', BLOCK)} union all ${of('MESSAGE', 'session_id', MESSAGE)}`
  return (await union.execute(platform.database.unscoped)).rows
}

/** The pages and chat sessions among the homes of these that the viewer may read and the filter leads to. */
async function openHomes(ctx: Context, filter: SearchFilter, things: readonly Placed[]) {
  const homesOf = (isSession: boolean) => [
    ...new Set(things.filter(({ kind }) => (kind === 'MESSAGE') === isSession).map(({ homeId }) => homeId)),
  ]
  const pages = pagesIn(ctx, filter)
    .where(sql<SqlBool>`page.id = any(${homesOf(false)}::uuid[])`)
    .select(['page.id', 'page.project_id as projectId'])
    .select((isAmong('PAGE', filter) ?? sql<SqlBool>`true`).as('isAmong'))
  const sessions = sessionsIn(ctx, filter)
    .leftJoin('project', (join) =>
      join.onRef('project.id', '=', 'chat_session.project_id').on('project.deleted_at', 'is', null),
    )
    .where(sql<SqlBool>`chat_session.id = any(${homesOf(true)}::uuid[])`)
    .select(['chat_session.id', 'project.id as projectId', sql<SqlBool>`true`.as('isAmong')])
  return pages.unionAll(sessions).execute()
}

const tables: Readonly<Record<SearchKind, string>> = { PAGE: 'page', BLOCK: 'block', MESSAGE: 'message' }

function pagesIn({ db }: Context, { projectId, tagId, isArchived }: SearchFilter) {
  let pages = readablePages(db)
  if (projectId !== null) pages = pages.where('page.project_id', '=', projectId)
  if (isArchived !== null) pages = pages.where('page.archived_at', isArchived ? 'is not' : 'is', null)
  if (tagId !== null) {
    const tagged = db.from('page_tag').where('page_tag.tag_id', '=', tagId).select('page_tag.page_id')
    pages = pages.where('page.id', 'in', tagged)
  }
  return pages
}

function sessionsIn({ db }: Context, { projectId, isArchived }: SearchFilter) {
  let sessions = readableSessions(db)
  if (isArchived !== null) sessions = sessions.where('chat_session.archived_at', isArchived ? 'is not' : 'is', null)
  if (projectId === null) return sessions
  const living = db.from('project').where('project.id', '=', projectId).where('project.deleted_at', 'is', null)
  return sessions.where('chat_session.project_id', 'in', living.select('project.id'))
}

/** What the filter asks of a thing itself, over its table; null when nothing. */
function isAmong(kind: SearchKind, { createdById, updatedFrom, updatedBefore }: SearchFilter): Predicate | null {
  const column = (name: string) => sql.ref(`${tables[kind]}.${name}`)
  const author = column(kind === 'MESSAGE' ? 'author_id' : 'created_by_id')
  const rules = [
    ...(createdById === null ? [] : [sql`${author} = ${createdById}::uuid`]),
    ...(updatedFrom === null ? [] : [sql`${column('updated_at')} >= ${updatedFrom}::timestamptz`]),
    ...(updatedBefore === null ? [] : [sql`${column('updated_at')} < ${updatedBefore}::timestamptz`]),
  ]
  return rules.length === 0 ? null : sql<SqlBool>`${sql.join(rules, sql` and `)}`
}
