import { setTimeout as pause } from 'node:timers/promises'
import type { Platform } from '../../../platform/context.ts'
import { generationName, takeOver } from './generation.service.ts'

const BATCH = 100
const AT_ONCE = 10
/** Looks this often within a lease, so that an orphan is found soon after its lease is over. */
const LOOKS_PER_LEASE = 6

/** Ends the answers whose writers are gone with the text so far, and says how many those were. */
export async function reapGenerations(platform: Platform): Promise<number> {
  let reaped = 0
  for (;;) {
    const orphans = await findOrphans(platform)
    const before = reaped
    for (let start = 0; start < orphans.length; start += AT_ONCE) {
      const ended = await Promise.all(orphans.slice(start, start + AT_ONCE).map((id) => reap(platform, id)))
      reaped += ended.filter(Boolean).length
    }
    // Those that could not be ended now are tried at the next look.
    if (orphans.length < BATCH || reaped === before) return reaped
  }
}

async function findOrphans({ database, clock }: Platform): Promise<string[]> {
  // On the pool, as the job queue's own looks: what is counted are the statements of requests.
  const { rows } = await database.pool.query<{ id: string }>(
    `select id from message where status = 'STREAMING' and lease_until <= $1 order by lease_until limit ${BATCH}`,
    [clock.now()],
  )
  return rows.map(({ id }) => id)
}

async function reap(platform: Platform, id: string): Promise<boolean> {
  const message = generationName(id)
  try {
    if (!(await takeOver(platform, id, 'INTERRUPTED', { onlyExpired: true }))) return false
    platform.log.warn({ message }, 'an answer was left by its writer and ended with the text so far')
    return true
  } catch (error) {
    platform.log.warn({ err: error, message }, 'an orphaned answer could not be ended')
    return false
  }
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
