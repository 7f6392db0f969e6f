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
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  aborted.catch(() => undefined)
  const onAbort = () => reject(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
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
    within: (value) => {
      const promise = Promise.resolve(value)
      promise.catch(() => undefined)
      return Promise.race([promise, aborted])
    },
    end: () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      inner.abort()
    },
  }
}
