import { type Embedder, EmbedderBusy, type EmbedOptions } from './embedder.ts'
import { Unavailable } from './errors.ts'

/** Requests to embed, those that are urgent first: one small batch in turn, of each who waits or else of each request. */
export interface EmbedQueue {
  /** As of an `Embedder`. */
  readonly embed: Embedder['embed']
  /** Refuses what waits and what is under way. */
  close(): void
}

/** Of texts: fewer cost up to twice as much each, more would keep who is urgent waiting longer. */
const BATCH = 4
/** Requests of a kind, urgent or not. */
const MAX_WAITING = 256
/** Requests of one who waits. */
const MAX_WAITING_EACH = 16
/** Nobody looks at a search for longer. */
const URGENT_LIMIT_MILLIS = 10_000

interface Request {
  readonly texts: readonly string[]
  readonly urgentFor: string | undefined
  readonly vectors: Float32Array[]
  readonly resolve: (vectors: readonly Float32Array[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * Makes a queue before something that embeds one batch at a time, of so many texts; what that throws is the end of the
 * batch's request alone.
 */
export function createEmbedQueue(
  embedBatch: (texts: readonly string[], isUrgent: boolean) => Promise<readonly Float32Array[]>,
  batch = BATCH,
): EmbedQueue {
  const urgent = new Set<Request>()
  const others = new Set<Request>()
  let isWorking = false

  const first = () => [...urgent.values().take(1), ...others.values().take(1)][0]
  const leave = (request: Request) => {
    urgent.delete(request)
    others.delete(request)
  }
  /** Behind all that the same person waits for, and that behind the others: nobody waits for all of somebody's many texts. */
  const goBehind = (request: Request) => {
    for (const waiting of [urgent, others]) {
      const isOwn = ({ urgentFor }: Request) => urgentFor !== undefined && urgentFor === request.urgentFor
      for (const own of [...[...waiting].filter(isOwn), request]) if (waiting.delete(own)) waiting.add(own)
    }
  }
  const advance = async (request: Request) => {
    const { texts, vectors, urgentFor } = request
    try {
      vectors.push(...(await embedBatch(texts.slice(vectors.length, vectors.length + batch), urgentFor !== undefined)))
      goBehind(request)
      if (vectors.length < texts.length) return
      request.resolve(vectors)
    } catch (error) {
      request.reject(error)
    }
    leave(request)
  }
  const work = async () => {
    if (isWorking) return
    isWorking = true
    for (let next = first(); next !== undefined; next = first()) await advance(next)
    isWorking = false
  }
  const enter = async (texts: readonly string[], { signal, urgentFor }: EmbedOptions) => {
    signal.throwIfAborted()
    if (texts.length === 0) return []
    const waiting = urgentFor === undefined ? others : urgent
    const own = [...urgent].filter((request) => request.urgentFor === urgentFor)
    if (waiting.size >= MAX_WAITING || own.length >= MAX_WAITING_EACH) throw new EmbedderBusy()
    const { promise, resolve, reject } = Promise.withResolvers<readonly Float32Array[]>()
    const request = { texts, urgentFor, vectors: [], resolve, reject }
    const end = (reason: unknown) => {
      leave(request)
      reject(reason)
    }
    const onAbort = () => end(signal.reason)
    signal.addEventListener('abort', onAbort)
    const limit = urgentFor === undefined ? undefined : setTimeout(() => end(new EmbedderBusy()), URGENT_LIMIT_MILLIS)
    waiting.add(request)
    void work()
    try {
      return await promise
    } finally {
      clearTimeout(limit)
      signal.removeEventListener('abort', onAbort)
    }
  }
  return {
    embed: enter,
    close: () => {
      for (const request of [...urgent, ...others]) {
        leave(request)
        request.reject(new Unavailable())
      }
    },
  }
}
