/** How long something may take; whoever does it need not heed the signal. */
export interface TimeLimit {
  /** Aborts with the outer one, when the time is over, and at the end. */
  readonly signal: AbortSignal
  /** Whether the time was over. */
  readonly isOver: boolean
  /** Sets the time anew, from now on; null: none. */
  set(millis: number | null): void
  /** What becomes of it, or the signal's reason as soon as that aborts; then nobody hears how it ended. */
  within<Value>(value: PromiseLike<Value>): Promise<Value>
  /** Ends it: from here on the signal is aborted. */
  end(): void
}

/** Makes a limit within another signal; it has no time until one is set. */
export function createTimeLimit(outer: AbortSignal): TimeLimit {
  const inner = new AbortController()
  const signal = AbortSignal.any([outer, inner.signal])
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  return {
    signal,
    get isOver() {
      return isOver
    },
    set: (millis) => {
      clearTimeout(timer)
      if (millis === null) return
      timer = setTimeout(() => {
        isOver = true
        inner.abort()
      }, millis)
    },
    within: async (value) => {
      const promise = Promise.resolve(value)
      promise.catch(() => undefined)
      signal.throwIfAborted()
      // One of its own each time: what thousands of parts of a stream wait for would hold on to all of them.
      const { promise: aborted, reject } = Promise.withResolvers<never>()
      const onAbort = () => reject(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        return await Promise.race([promise, aborted])
      } finally {
        signal.removeEventListener('abort', onAbort)
      }
    },
    end: () => {
      clearTimeout(timer)
      inner.abort()
    },
  }
}
