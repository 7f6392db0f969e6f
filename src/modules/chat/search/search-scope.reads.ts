import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Context } from '../../../platform/context.ts'
import { isGrantedTo } from '../../../platform/gate.ts'
import { readableBlocks } from '../../ocean/blocks/block.reads.ts'
import { readablePages } from '../../ocean/pages/page.reads.ts'
import { readableSessions } from '../sessions/chat-session.reads.ts'
import type { SearchKind } from './search-text.entity.ts'

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
export function findableKinds(ctx: Context, { kinds, tagId, isArchived }: SearchFilter): readonly SearchKind[] {
  const mayReadPages = isGrantedTo(ctx, 'page.read')
  const may: Readonly<Record<SearchKind, boolean>> = {
    PAGE: mayReadPages,
    BLOCK: mayReadPages && isGrantedTo(ctx, 'block.read'),
    // What is said has no tags, and no archive.
    MESSAGE: isGrantedTo(ctx, 'chat_session.read') && tagId === null && isArchived !== true,
  }
  const all: readonly SearchKind[] = ['PAGE', 'BLOCK', 'MESSAGE']
  return all.filter((kind) => may[kind] && (kinds.length === 0 || kinds.includes(kind)))
}

/**
 * A predicate over the rows of an index, known by this alias, with a `kind`, `subject_id` and `home_id`: that they stood
 * where the viewer may read and the filter leads when they were indexed. It keeps the number of candidates down. What is shown
 * goes through `findFindable`, which asks what is so now.
 */
export function isWithin(ctx: Context, filter: SearchFilter, kinds: readonly SearchKind[], alias: string): Predicate {
  const column = (name: string) => sql.ref(`${alias}.${name}`)
  const inPages = sql`${column('home_id')} in (${pagesIn(ctx, filter).select('page.id')})`
  const inSessions = sql`${column('home_id')} in (${sessionsIn(ctx, filter).select('chat_session.id')})`
  const branches = kinds.map((kind) => {
    const table = sql.table(tables[kind])
    const facts = isAmong(kind, filter)
    const isSo =
      facts === null ? sql`true` : sql`exists (select from ${table} where id = ${column('subject_id')} and ${facts})`
    return sql`(${column('kind')} = ${kind} and ${kind === 'MESSAGE' ? inSessions : inPages} and ${isSo})`
  })
  return branches.length === 0 ? sql<SqlBool>`false` : sql<SqlBool>`(${sql.join(branches, sql` or `)})`
}

/** Those of these things that the viewer may read and the filter lets through, as they stand now. */
export async function findFindable(
  ctx: Context,
  filter: SearchFilter,
  ids: Readonly<Record<SearchKind, readonly string[]>>,
): Promise<Findable[]> {
  const narrowed = (kind: SearchKind) => isAmong(kind, filter) ?? sql<SqlBool>`true`
  const within = (column: string, wanted: readonly string[]) =>
    sql<SqlBool>`${sql.ref(column)} = any(${wanted}::uuid[])`
  const pages = pagesIn(ctx, filter)
    .where(within('page.id', ids.PAGE))
    .where(narrowed('PAGE'))
    .select(['page.id', sql<SearchKind>`'PAGE'`.as('kind'), 'page.id as homeId', 'page.project_id as projectId'])
  const blocks = readableBlocks(ctx.db)
    .innerJoin('page', 'page.id', 'block.page_id')
    .where(within('block.id', ids.BLOCK))
    .where('block.page_id', 'in', pagesIn(ctx, filter).select('page.id'))
    .where(narrowed('BLOCK'))
    .select(['block.id', sql<SearchKind>`'BLOCK'`.as('kind'), 'page.id as homeId', 'page.project_id as projectId'])
  const messages = ctx.db
    .from('message')
    .innerJoin('chat_session', 'chat_session.id', 'message.session_id')
    .leftJoin('project', (join) =>
      join.onRef('project.id', '=', 'chat_session.project_id').on('project.deleted_at', 'is', null),
    )
    .where(within('message.id', ids.MESSAGE))
    .where('message.session_id', 'in', sessionsIn(ctx, filter).select('chat_session.id'))
    .where(narrowed('MESSAGE'))
    .select([
      'message.id',
      sql<SearchKind>`'MESSAGE'`.as('kind'),
      'chat_session.id as homeId',
      'project.id as projectId',
    ])
  return pages.unionAll(blocks).unionAll(messages).execute()
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

function sessionsIn({ db }: Context, { projectId }: SearchFilter) {
  const sessions = readableSessions(db)
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
