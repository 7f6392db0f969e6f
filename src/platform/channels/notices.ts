import type { Clock } from '../clock.ts'
import type { Database } from '../database/database.ts'
import type { Log } from '../log.ts'
import { appendEvents, type NewChannelEvent } from './log.ts'
import type { Nudges } from './nudges.ts'

/** Events that say only that something is otherwise now: told a moment after it is, and once for many alike. */
export interface Notices {
  /** Says it soon. When this node is killed before that it is lost: the next one alike tells as much. */
  say(event: NewChannelEvent): void
  /** Says what there still is to say. */
  close(): Promise<void>
}

export interface NoticesOptions {
  readonly database: Pick<Database, 'unscoped'>
  readonly nudges: Pick<Nudges, 'publish'>
  readonly clock: Clock
  readonly log: Log
  /** How long a notice waits for others alike; 200 unless given. */
  readonly periodMillis?: number
}

const PERIOD_MILLIS = 200
const LONGEST_MILLIS = 10_000

/** Writes notices beside the transactions they are of: none of these waits for another because of one channel's head. */
export function createNotices({ database, nudges, clock, log, periodMillis = PERIOD_MILLIS }: NoticesOptions): Notices {
  const waiting = new Map<string, NewChannelEvent>()
  let timer: NodeJS.Timeout | undefined
  let telling: Promise<void> = Promise.resolve()
  let isClosed = false
  /** Longer and longer while the database is away. */
  let waitMillis = periodMillis

  const tell = async () => {
    const events = [...waiting.values()]
    waiting.clear()
    try {
      nudges.publish(await appendEvents(database.unscoped, events, clock.now()))
      waitMillis = periodMillis
    } catch (error) {
      log.warn({ err: error, notices: events.length }, 'notices wait for the database')
      waitMillis = Math.min(2 * waitMillis, LONGEST_MILLIS)
      if (!isClosed) for (const event of events) say(event)
    }
  }
  const say = (event: NewChannelEvent) => {
    waiting.set(JSON.stringify(event), event)
    timer ??= setTimeout(() => {
      timer = undefined
      telling = telling.then(tell)
    }, waitMillis).unref()
  }
  return {
    say,
    close: async () => {
      isClosed = true
      clearTimeout(timer)
      await telling.then(tell)
    },
  }
}
