import { setTimeout as pause } from 'node:timers/promises'
import { Kysely, PostgresDialect } from 'kysely'
import type { Platform } from '../../../platform/context.ts'
import { createTurns, type Turns } from '../../../platform/database/in-turn.ts'
import type { Tables } from '../../../platform/database/tables.ts'
import { embedDue } from './embedding.service.ts'
import { indexChanges } from './indexing.service.ts'

/** With the work itself well within the two seconds in which a change is to be found. */
const PERIOD_MILLIS = 300
const PERIOD_AFTER_FAILURE_MILLIS = 2_000
/** Changes that are looked at together. */
const CHANGES_AT_ONCE = 50
// Of a text that cannot be indexed: 2 s, 30 s, 450 s, and then an hour each time.
const FIRST_REST_MILLIS = 2_000
const REST_FACTOR = 15
const LONGEST_REST_MILLIS = 3_600_000
const GIVEN_UP_AT = 4
/** More are not kept in mind: those that have failed longest ago are tried again. */
const MAX_FAILURES = 1_000

/**
 * Keeps what can be found in step with what changes, on every node, until the returned function is called. What waits then
 * is for another node, or for the next start.
 */
export function startIndexer(platform: Platform): () => Promise<void> {
  const stopping = new AbortController()
  const { signal } = stopping
  const aside = uncounted(platform)
  const kept = { failures: rememberFailures(platform.log), turns: createTurns() }
  const embedTurns = createTurns()
  const ended = Promise.all([
    repeat(signal, () => indexSome(aside, kept, signal)),
    // Beside it, since a vector takes longer than a word: what can be found by its words does not wait for its meaning.
    repeat(signal, () => embedSome(aside, embedTurns, signal)),
  ])
  return async () => {
    stopping.abort()
    await ended
  }
}

/** The same, with statements that are not counted: what is counted are those of requests. */
export function uncounted(platform: Platform): Platform {
  const { database } = platform
  const unscoped = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: database.pool }) })
  return { ...platform, database: { ...database, unscoped } }
}

async function repeat(signal: AbortSignal, work: () => Promise<boolean>): Promise<void> {
  while (!signal.aborted) {
    const everyMillis = (await work()) ? PERIOD_MILLIS : PERIOD_AFTER_FAILURE_MILLIS
    await pause(everyMillis, undefined, { signal, ref: false }).catch(() => undefined)
  }
}

/** All that is due; whether that went well. */
async function indexSome(
  { database, log }: Platform,
  { failures, turns }: { readonly failures: Failures; readonly turns: Turns },
  signal: AbortSignal,
): Promise<boolean> {
  const onFailure = (subjectId: string, error: unknown) => failures.add(subjectId, error)
  try {
    for (;;) {
      const except = failures.resting()
      if (signal.aborted) return true
      if ((await indexChanges(database, CHANGES_AT_ONCE, { except, turns, onFailure, signal })) === 0) return true
    }
  } catch (error) {
    log.warn({ err: error }, 'what changed could not be indexed')
    return false
  }
}

/** Rows that cannot be indexed, as far as this process knows: nothing else waits for them. */
export interface Failures {
  /** Those whose time has not come yet. */
  resting(): string[]
  /** It has failed (again): it rests for two seconds, and then ever longer, up to an hour. */
  add(subjectId: string, error: unknown): void
}

/** Keeps in mind what fails; `now` is in milliseconds and only ever rises. */
export function rememberFailures(log: Platform['log'], now: () => number = () => performance.now()): Failures {
  const failures = new Map<string, { readonly attempts: number; readonly untilMillis: number }>()
  return {
    resting: () => {
      const time = now()
      // What has not failed again long after it was due is indexed by now.
      for (const [id, { untilMillis }] of failures) if (untilMillis + LONGEST_REST_MILLIS < time) failures.delete(id)
      return [...failures].filter(([, { untilMillis }]) => untilMillis > time).map(([id]) => id)
    },
    add: (subjectId, error) => {
      const attempts = (failures.get(subjectId)?.attempts ?? 0) + 1
      const restMillis = Math.min(FIRST_REST_MILLIS * REST_FACTOR ** (attempts - 1), LONGEST_REST_MILLIS)
      if (attempts === 1) log.warn({ err: error, subjectId }, 'a text could not be indexed')
      if (attempts === GIVEN_UP_AT) log.error({ err: error, subjectId }, 'a text cannot be indexed: tried every hour')
      failures.delete(subjectId)
      const [oldest] = failures.keys()
      if (oldest !== undefined && failures.size >= MAX_FAILURES) failures.delete(oldest)
      failures.set(subjectId, { attempts, untilMillis: now() + restMillis })
    },
  }
}

async function embedSome(platform: Platform, turns: Turns, signal: AbortSignal): Promise<boolean> {
  try {
    while (!signal.aborted && (await embedDue(platform, signal, turns)) > 0);
    return true
  } catch (error) {
    if (!signal.aborted) platform.log.warn({ err: error }, 'texts could not be embedded')
    return signal.aborted
  }
}
