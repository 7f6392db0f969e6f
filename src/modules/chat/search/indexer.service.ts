import { setTimeout as pause } from 'node:timers/promises'
import { Kysely, PostgresDialect } from 'kysely'
import type { Platform } from '../../../platform/context.ts'
import type { Tables } from '../../../platform/database/tables.ts'
import { embedDue } from './embedding.service.ts'
import { indexChanges, postponeChange } from './indexing.service.ts'

/** With the work itself well within the two seconds in which a change is to be found. */
const PERIOD_MILLIS = 300
const PERIOD_AFTER_FAILURE_MILLIS = 2_000
/** Changes of one transaction, so that none holds the only session of the embedded database for long. */
const CHANGES_AT_ONCE = 50

/**
 * Keeps what can be found in step with what changes, on every node, until the returned function is called. What waits then
 * is for another node, or for the next start.
 */
export function startIndexer(platform: Platform): () => Promise<void> {
  const stopping = new AbortController()
  const { signal } = stopping
  const aside = uncounted(platform)
  const ended = Promise.all([
    repeat(signal, () => indexSome(aside, signal)),
    // Beside it, since a vector takes longer than a word: what can be found by its words does not wait for its meaning.
    repeat(signal, () => embedSome(aside, signal)),
  ])
  return async () => {
    stopping.abort()
    await ended
  }
}

/** With statements that are not counted: what is counted are those of requests. */
function uncounted(platform: Platform): Platform {
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
async function indexSome({ database, log }: Platform, signal: AbortSignal): Promise<boolean> {
  // After a failure one at a time, until those that were with it are through: the one that is to blame stays alone.
  let oneByOne = 0
  for (;;) {
    if (signal.aborted) return true
    try {
      const limit = oneByOne > 0 ? 1 : CHANGES_AT_ONCE
      const done = await indexChanges(database, limit)
      if (done === 0) return true
      oneByOne = Math.max(0, oneByOne - done)
    } catch (error) {
      log.warn({ err: error }, 'what changed could not be indexed')
      if (oneByOne > 0) {
        await postponeChange(database).catch(() => undefined)
        return false
      }
      oneByOne = CHANGES_AT_ONCE
    }
  }
}

async function embedSome(platform: Platform, signal: AbortSignal): Promise<boolean> {
  try {
    while (!signal.aborted && (await embedDue(platform, signal)) > 0);
    return true
  } catch (error) {
    if (!signal.aborted) platform.log.warn({ err: error }, 'texts could not be embedded')
    return signal.aborted
  }
}
