import { Unavailable } from './errors.ts'
import type { Log } from './log.ts'

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
  /** Waits for the tasks under way, aborts what is left after the time, and waits for the end of that. */
  close(options: { readonly timeoutMillis: number }): Promise<void>
}

/** Makes room for `limit` tasks at once. */
export function createTasks({ limit, log }: { readonly limit: number; readonly log: Log }): Tasks {
  const running = new Map<string, { readonly controller: AbortController; readonly done: Promise<void> }>()
  let held = 0
  let closed = false
  const start = (id: string, work: (signal: AbortSignal) => Promise<void>) => {
    const controller = new AbortController()
    const done = work(controller.signal)
      .catch((error: unknown) => log.error({ err: error, task: id }, 'a task failed'))
      .finally(() => {
        running.delete(id)
        held--
      })
    running.set(id, { controller, done })
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
        for (const { controller } of running.values()) controller.abort()
      }
      const timer = setTimeout(abortAll, timeoutMillis)
      await Promise.all([...running.values()].map(({ done }) => done))
      clearTimeout(timer)
    },
  }
}
