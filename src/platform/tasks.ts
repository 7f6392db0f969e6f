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
  /** @throws {Unavailable} when the node has as many as it can carry, or stops */
  reserve(): TaskSlot
  /** Aborts a task of this node; unknown ids are none of its business. */
  abort(id: string): void
  /**
   * Waits for the tasks under way, aborts what is left after the time, and waits 2 s for the end of that. Answers whether
   * there were any.
   */
  close(options: { readonly timeoutMillis: number }): Promise<boolean>
}

/** Makes room for `limit` tasks at once. */
export function createTasks({ limit, log }: { readonly limit: number; readonly log: Log }): Tasks {
  const running = new Map<string, { readonly controller: AbortController; readonly done: Promise<void> }>()
  let held = 0
  let closed = false
  let aborting = false
  const start = (id: string, work: (signal: AbortSignal) => Promise<void>) => {
    const controller = new AbortController()
    const done = work(controller.signal)
      .catch((error: unknown) => log.error({ err: error, task: id }, 'a task failed'))
      .finally(() => {
        running.delete(id)
        held--
      })
    running.set(id, { controller, done })
    if (aborting) controller.abort()
  }
  return {
    reserve: () => {
      if (closed || held >= limit) throw new Unavailable()
      held++
      let open = true
      return {
        start: (id, work) => {
          if (!open) throw new Error('The slot of a task is used')
          open = false
          start(id, work)
        },
        release: () => {
          if (open) held--
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
