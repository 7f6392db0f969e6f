import { sql } from 'kysely'
import { appendEvents } from '../../../platform/channels/log.ts'
import type { CircuitState } from '../../../platform/circuit.ts'
import type { Platform } from '../../../platform/context.ts'
import { viewerEvent } from '../users/viewer.events.ts'

type Announcing = Pick<Platform, 'circuits' | 'database' | 'nudges' | 'clock' | 'log'>

/** Within which a circuit is not said again to have come to the same state. */
const QUIET_MILLIS = 10_000

/**
 * Tells the administrators of the platform of each change of this node's circuits, beside the call that brought it about.
 * A circuit that comes back to a state within `quietMillis` is told of at their end, if it is still another than was
 * last told. What cannot be written, because the database is what is away, is a line of the log. Answers how to stop.
 */
export function announceCircuits(
  platform: Announcing,
  { quietMillis = QUIET_MILLIS }: { readonly quietMillis?: number } = {},
): () => Promise<void> {
  const { circuits, log } = platform
  const toldAt = new Map<string, number>()
  const lastTold = new Map<string, CircuitState>()
  const waiting = new Map<string, NodeJS.Timeout>()
  // One after the other: two transactions at once might commit in either order.
  let told = Promise.resolve()
  let isStopped = false

  const tell = (name: string, state: CircuitState) => {
    const key = `${name} ${state}`
    const now = performance.now()
    const missingMillis = (toldAt.get(key) ?? Number.NEGATIVE_INFINITY) + quietMillis - now
    if (missingMillis > 0) return wait(name, missingMillis)
    toldAt.set(key, now)
    lastTold.set(name, state)
    told = told
      .then(() => tellAdministrators(platform, name, state))
      .catch((err: unknown) => log.warn({ err, circuit: name, state }, 'the change of a circuit was told to nobody'))
  }
  const wait = (name: string, millis: number) => {
    if (waiting.has(name) || isStopped) return
    const timer = setTimeout(() => {
      waiting.delete(name)
      const circuit = circuits.list().find((one) => one.name === name)
      if (circuit !== undefined && circuit.state !== lastTold.get(name)) tell(name, circuit.state)
    }, millis)
    waiting.set(name, timer.unref())
  }
  const unwatch = circuits.watch(({ name, state }) => tell(name, state))
  return async () => {
    isStopped = true
    unwatch()
    for (const timer of waiting.values()) clearTimeout(timer)
    await told
  }
}

async function tellAdministrators(platform: Announcing, name: string, state: CircuitState): Promise<void> {
  const { database, nudges, clock } = platform
  const heads = await database.unscoped.transaction().execute(async (unscoped) => {
    const administrators = await unscoped
      .selectFrom('user')
      .select('id')
      .where(sql<boolean>`is_platform_admin and suspended_at is null and deleted_at is null`)
      .execute()
    const events = administrators.map(({ id }) => viewerEvent(id, { type: 'CircuitChanged', name, state }))
    return appendEvents(unscoped, events, clock.now())
  })
  nudges.publish(heads)
}
