import { type RawBuilder, sql } from 'kysely'
import type { Context } from '../../../platform/context.ts'

// A branch is what leads to a message: the run it is in as far as there, the run behind one of whose messages that one began,
// and so on. Of two messages of a branch the one with the higher id comes later.

/** A run of messages, and the last one of it that belongs to a branch. */
export interface Run {
  readonly branch_id: string
  readonly until: string
}

/** The message a branch leads to. */
interface Leaf {
  readonly id: string
  readonly branch_id: string
}

/** A query for the newest message of a session. */
export function newestOf(sessionId: RawBuilder<unknown>): RawBuilder<Leaf> {
  return sql`select id, branch_id from message where session_id = ${sessionId} order by id desc limit 1`
}

/** A query for the newest of a message of the session and all that follows it. */
export function newestBehind(sessionId: RawBuilder<unknown>, messageId: string): RawBuilder<Leaf> {
  return sql`
    with recursive below as (
      select id, branch_id from message where session_id = ${sessionId} and id = ${messageId}
      union all
      select child.id, child.branch_id
      from below join message as child on child.session_id = ${sessionId} and child.parent_id = below.id
    )
    select id, branch_id from below order by id desc limit 1`
}

/** A query for the runs that belong to the branch of a message, which is what the query `leaf` finds. */
export function runsOf(leaf: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    with recursive run (branch_id, until) as (
      select leaf.branch_id, leaf.id from (${leaf}) as leaf
      union all
      select parent.branch_id, parent.id
      from run
      join message as first on first.id = run.branch_id
      join message as parent on parent.id = first.parent_id
    )
    select branch_id, until from run`
}

/** Whose branch to read: that of a message, or of the newest one of a session. */
export type BranchOf = { readonly messageId: string } | { readonly sessionId: string }

/** The last that was said in a branch up to its message, the newest first. */
export async function readBranch({ db }: Context, of: BranchOf, limit: number) {
  const leaf =
    'messageId' in of
      ? sql<Leaf>`select id, branch_id from message where id = ${of.messageId}`
      : newestOf(sql`${of.sessionId}::uuid`)
  return db
    .from('message')
    .innerJoin(sql<Run>`(${runsOf(leaf)})`.as<'run'>(sql`run`), (join) =>
      join.onRef('run.branch_id', '=', 'message.branch_id').onRef('message.id', '<=', 'run.until'),
    )
    .select(['message.id', 'message.role', 'message.content', 'message.status'])
    .orderBy('message.id', 'desc')
    .limit(limit)
    .execute()
}
