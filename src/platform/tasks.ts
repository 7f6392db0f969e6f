import { setTimeout as pause } from 'node:timers/promises'
import { Unavailable } from './errors.ts'
import type { Log } from './log.ts'

const END_MILLIS = 2_000
const POLL_MILLIS = 20

/** A place for one task, held before it is known that there will be one. */
export interface TaskSlot {
  /** Runs the work beside the request; what it throws is logged. `id` is what `abort` knows it by. */
  start(id: string, work: (signal: AbortSignal) => Promise<void>): void
  /** Gives the place back; does nothing once the task has started. */
  release(): void
}

/** Work of this node that outlives the request that asked for it. */
export interface Tasks {
  /** @throws {Unavailable} when the node has as many as it can carry, in all or of one owner, or stops */
  reserve(owner: string): TaskSlot
  /** Aborts a task of this node; unknown ids are none of its business. */
  abort(id: string): void
  /**
   * Waits for the tasks under way, aborts what is left after the time, and waits 2 s for the end of that. Answers whether
   * there were any.
   */
  close(options: { readonly timeoutMillis: number }): Promise<boolean>
}

/** How many tasks there may be at once. */
export interface TaskLimits {
  readonly limit: number
  /** Of one owner, so that nobody takes all there is. */
  readonly limitEach: number
}

/** Makes room for so many tasks at once. */
export function createTasks({ limit, limitEach, log }: TaskLimits & { readonly log: Log }): Tasks {
  const running = new Map<string, { readonly controller: AbortController; readonly done: Promise<void> }>()
  let held = 0
  const heldBy = new Map<string, number>()
  const giveBack = (owner: string) => {
    held--
    const left = (heldBy.get(owner) ?? 0) - 1
    if (left > 0) heldBy.set(owner, left)
    else heldBy.delete(owner)
  }
  let closed = false
  let aborting = false
  const start = (owner: string, id: string, work: (signal: AbortSignal) => Promise<void>) => {
    const controller = new AbortController()
    const done = work(controller.signal)
      .catch((error: unknown) => log.error({ err: error, task: id }, 'a task failed'))
      .finally(() => {
        running.delete(id)
        giveBack(owner)
      })
    running.set(id, { controller, done })
    if (aborting) controller.abort()
  }
  return {
    reserve: (owner) => {
      const own = heldBy.get(owner) ?? 0
      if (closed || held >= limit || own >= limitEach) throw new Unavailable()
      held++
      heldBy.set(owner, own + 1)
      let open = true
      return {
        start: (id, work) => {
          if (!open) throw new Error('The slot of a task is used')
          open = false
          start(owner, id, work)
        },
        release: () => {
          if (open) giveBack(owner)
          open = false
        },
      }
    },
    abort: (id) => running.get(id)?.controller.abort(),
    close: async ({ timeoutMillis }) => {
      closed = true
      const abortAll = () => {
        aborting = true
        for (const { controller } of running.values()) controller.abort()
      }
      const timer = setTimeout(abortAll, timeoutMillis)
      const limit = performance.now() + timeoutMillis + END_MILLIS
      const hadAny = held > 0
      // A place that is held may still become a task: its request is being finished.
      while (held > 0 && performance.now() < limit) {
        await Promise.race([Promise.all([...running.values()].map(({ done }) => done)), pause(POLL_MILLIS)])
        if (running.size === 0 && held > 0) await pause(POLL_MILLIS)
      }
      clearTimeout(timer)
      abortAll()
      return hadAny
    },
  }
}
