import type { Clock } from '../clock.ts'
import type { Database } from '../database/database.ts'
import type { Log } from '../log.ts'
import { appendEvents, type NewChannelEvent } from './log.ts'
import type { Nudges } from './nudges.ts'

/** Events that say only that something is otherwise now: told a moment after it is, and once for many alike. */
export interface Notices {
  /** Says it soon. It is lost when this node is killed before, which the next one alike makes good. */
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

/** Writes notices beside the transactions they are of: none of these waits for another because of one channel's head. */
export function createNotices({ database, nudges, clock, log, periodMillis = PERIOD_MILLIS }: NoticesOptions): Notices {
  const waiting = new Map<string, NewChannelEvent>()
  let timer: NodeJS.Timeout | undefined
  let telling: Promise<void> = Promise.resolve()
  let isClosed = false

  const tell = async () => {
    const events = [...waiting.values()]
    waiting.clear()
    try {
      nudges.publish(await appendEvents(database.unscoped, events, clock.now()))
    } catch (error) {
      log.warn({ err: error, notices: events.length }, 'notices wait for the database')
      if (!isClosed) for (const event of events) say(event)
    }
  }
  const say = (event: NewChannelEvent) => {
    waiting.set(JSON.stringify(event), event)
    timer ??= setTimeout(() => {
      timer = undefined
      telling = telling.then(tell)
    }, periodMillis).unref()
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
