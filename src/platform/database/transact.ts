import type { EntityManager } from '@mikro-orm/postgresql'
import type { Kysely } from 'kysely'
import { appendEvents, type NewChannelEvent } from '../channels/log.ts'
import { type Context, epochsReliedOn, holdTransaction, readerOf } from '../context.ts'
import { AccessMoved } from '../errors.ts'
import type { EnqueueOptions, Job } from '../jobs.ts'
import { forgetLoaded } from '../loaders.ts'
import type { Tables } from './tables.ts'
import { type TenantReads, tenantReads } from './tenant-reads.ts'

/** One open transaction of one operation. Everything a change consists of goes through it, or does not happen. */
export interface Transaction {
  readonly em: EntityManager
  /** Reads inside the transaction, in the viewer's organization; flush the unit of work first. */
  readonly db: TenantReads
  /** No tenant predicate: for the platform's own tables and for conditional updates that carry their own. */
  readonly unscoped: Kysely<Tables>
  readonly now: Date
  /** Says on a channel what happened; told to nobody before the commit. */
  record(event: NewChannelEvent): void
  /** Says on a channel, soon after the commit, that something is otherwise; of many alike in a row one is said. */
  notice(event: NewChannelEvent): void
  /** Runs behind all else, channel heads taken: for a row that a whole organization waits for. What it throws undoes all. */
  last(work: () => Promise<void>): void
  /** Notes that the transaction moved the access epoch of a person, an organization or a project on by one. */
  movedOn(id: string): void
  /** A job that exists exactly if the change does. */
  enqueue<Payload>(job: Job<never, Payload>, payload: Payload, options?: EnqueueOptions): Promise<void>
}

/**
 * Runs one mutation as one transaction: flush, then the channel heads in sorted order, then what is to be last, then the
 * commit, then the nudges. When `work` throws, nothing of it remains. While it runs, `ctx.em` and `ctx.db` throw.
 * @throws {AccessMoved} when the access of a caller who is held to their gates is no longer what it was there
 */
export async function transact<Result>(ctx: Context, work: (tx: Transaction) => Promise<Result>): Promise<Result> {
  const { database, nudges, notices, jobs, clock } = ctx.platform
  const release = holdTransaction(ctx)
  try {
    const events: NewChannelEvent[] = []
    const noticed: NewChannelEvent[] = []
    let areHeadsTaken = false
    const lasts: (() => Promise<void>)[] = []
    const enqueued = new Set<string>()
    const moves = new Map<string, number>()
    const { result, heads } = await database.fork().transactional(async (em) => {
      const unscoped = em.getKysely<Tables>()
      const now = clock.now()
      const result = await work({
        em,
        unscoped,
        now,
        db: tenantReads(unscoped, readerOf(ctx.viewer)),
        record: (event) => {
          if (areHeadsTaken) throw new Error('It is too late to say something on a channel')
          events.push(event)
        },
        notice: (event) => void noticed.push(event),
        last: (work) => void lasts.push(work),
        movedOn: (id) => void moves.set(id, (moves.get(id) ?? 0) + 1),
        enqueue: async (job, payload, options = {}) => {
          await jobs.enqueue(unscoped, job, payload, options)
          // What is to wait is found by polling.
          if (options.delaySeconds === undefined) enqueued.add(job.name)
        },
      })
      await em.flush()
      const heads = await appendEvents(unscoped, events, now)
      areHeadsTaken = true
      for (const last of lasts) await last()
      // Then, since whatever was waited for before may have been the row of somebody who took the right away.
      await demandSameAccess(ctx, unscoped, moves)
      return { result, heads }
    })
    nudges.publish(heads)
    for (const event of noticed) notices.say(event)
    jobs.wake(enqueued)
    return result
  } finally {
    release()
    forgetLoaded(ctx)
  }
}

/** Compares the access epochs with those the gates went by; the transaction's own steps are no surprise. */
async function demandSameAccess(ctx: Context, sql: Kysely<Tables>, moves: ReadonlyMap<string, number>): Promise<void> {
  const relied = epochsReliedOn(ctx)
  if (relied === null) return
  const now = await ctx.platform.accessEpochs(sql, relied.ids)
  for (const [id, epoch] of relied.epochs) {
    if (now.get(id) !== epoch + (moves.get(id) ?? 0)) throw new AccessMoved()
  }
}
