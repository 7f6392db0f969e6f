import type { Platform } from '../platform/context.ts'

/** What `/ready` answers. */
export interface Readiness {
  readonly ready: boolean
  readonly database: 'up' | 'down'
  /** Late: Redis is away, so events of other nodes take up to 2 s. */
  readonly channels: 'up' | 'late'
}

/** The process runs; says nothing of what it needs. */
export function health(): { status: 'ok' } {
  return { status: 'ok' }
}

/**
 * Whether the server should be sent requests: its database answers and it is not stopping. Without Redis it is ready all
 * the same, since live events are then late and not lost.
 */
export async function readiness(platform: Platform, stopping: AbortSignal): Promise<Readiness> {
  const database = await platform.database.ping().then(
    () => 'up' as const,
    () => 'down' as const,
  )
  const channels = platform.nudges.isConnected() ? 'up' : 'late'
  return { ready: database === 'up' && !stopping.aborted, database, channels }
}
