import { setTimeout as pause } from 'node:timers/promises'
import type { Platform } from '../../../platform/context.ts'
import { generationName, takeOver } from './generation.service.ts'

const BATCH = 100
/** Looks this often within a lease, so that an orphan is found soon after its lease is over. */
const LOOKS_PER_LEASE = 6

/** Ends the answers whose writers are gone with the text so far, and says how many those were. */
export async function reapGenerations(platform: Platform): Promise<number> {
  const { database, clock, log } = platform
  // On the pool, as the job queue's own looks: what is counted are the statements of requests.
  const { rows: orphans } = await database.pool.query<{ id: string }>(
    `select id from message where status = 'STREAMING' and lease_until <= $1 order by lease_until limit ${BATCH}`,
    [clock.now()],
  )
  let reaped = 0
  for (const { id } of orphans) {
    if (!(await takeOver(platform, id, 'INTERRUPTED', { onlyExpired: true }))) continue
    reaped++
    log.warn({ message: generationName(id) }, 'an answer was left by its writer and ended with the text so far')
  }
  return reaped
}

/** Looks for orphans until the returned function is called; one query each time, on every node. */
export function startReaper(platform: Platform): () => Promise<void> {
  const stopping = new AbortController()
  const { signal } = stopping
  const run = async () => {
    while (!signal.aborted) {
      const everyMillis = platform.settings.generations.leaseMillis / LOOKS_PER_LEASE
      await pause(everyMillis, undefined, { signal, ref: false }).catch(() => undefined)
      if (signal.aborted) return
      await reapGenerations(platform).catch((error: unknown) =>
        platform.log.warn({ err: error }, 'orphaned answers could not be looked for'),
      )
    }
  }
  const ended = run()
  return async () => {
    stopping.abort()
    await ended
  }
}
