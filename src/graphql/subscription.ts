import { setTimeout as delay } from 'node:timers/promises'
import { decodeCursor, encodeCursor, nowhere } from '../lib/cursor.ts'
import type { ChannelEvent } from '../platform/channels/log.ts'
import type { ChannelItem } from '../platform/channels/topic.ts'
import {
  type AccessWatcher,
  type ActingViewer,
  type AnonymousViewer,
  type Context,
  createContext,
} from '../platform/context.ts'
import { Fault } from '../platform/errors.ts'
import { type EndReason, resyncRequired, unknownEvent } from './stream-control.ts'

/** One event on its way to one subscriber, with the context it is to be executed in. */
export interface Delivery {
  readonly context: Context
  readonly event: object
}

/** Where a subscription's items come from; `return` ends it at once, even while a `next` waits. */
export interface Source<Item> {
  next(): Promise<IteratorResult<Item, undefined>>
  return(): Promise<unknown>
}

/** What a gate found. */
export interface Followed {
  /** The project it stands in, by whose access epoch its access goes as well. */
  readonly projectId: string | null
  /** The access epoch of that project as the gate saw it, where it tells. */
  readonly home?: { readonly epoch: number } | null | undefined
}

/** What an item means for the right to follow on: nothing, that what is followed has moved, or that it is gone. */
type Step = 'none' | 'move' | 'end'

interface Admission {
  readonly viewer: ActingViewer
  readonly at: number
  readonly projectId: string | null
  /** What its gate was passed under; null when the project's was not known yet. */
  readonly epochs: string | null
}

/** What a subscription follows, who may, and how an item becomes an event of the graph. */
export interface Following<Item> {
  readonly source: Source<Item>
  /**
   * Throws a Fault when the context's viewer may not, or no longer, follow. Run whenever an access epoch has moved since it
   * was last passed: that of the actor, the organization, or the project it answers.
   */
  readonly gate: (ctx: Context) => Promise<Followed>
  /** Whether what is followed is there no more, for anybody: asked when the gate does not find it. */
  readonly isGone?: (ctx: Context) => Promise<boolean>
  /** Null where what is followed is gone, which `SubscriptionEnded` tells by itself. */
  readonly toEvent: (item: Item) => object | null
  /** Whether an item says that what is followed has moved, so that the gate is to be passed again whatever the epochs. */
  readonly isMove?: (item: Item) => boolean
  /**
   * Whether an item says that what is followed is gone. No gate can be passed any more: whoever still is who they were when
   * it was passed last gets the item, and then the end.
   */
  readonly isEnd?: (item: Item) => boolean
  /** What the gate found when the subscription began, if that was looked at: no need to ask again before the first item. */
  readonly found?: Followed
  /**
   * Whether an item is for the viewer of the context at all, who passed the gate; to everybody unless given. Others are not
   * told of it, though the cursors around it show that something was.
   */
  readonly isFor?: (item: Item, ctx: Context) => boolean
  /** Of items that come many times a second: how old the last passing of the gate may be, in milliseconds. */
  readonly admittedFor?: (item: Item) => number
}

/** The same for one channel of domain events. */
export interface FollowingChannel extends Pick<Following<never>, 'gate' | 'found'> {
  readonly isMove?: (event: ChannelEvent) => boolean
  readonly isEnd?: (event: ChannelEvent) => boolean
  readonly isFor?: (event: ChannelEvent, ctx: Context) => boolean
  readonly channel: string
  readonly after: string | null | undefined
  /** Null for an event that this code does not know: a newer node recorded it. */
  readonly toEvent: (event: ChannelEvent, cursor: string) => object | null
}

/** How long an event waits for the check of its reader's access before the subscription ends, to be taken up again. */
const HOLD_MILLIS = 60_000
const HOLD_PAUSE_MILLIS = 500

/** Follows a channel from a cursor, or from now on; see `followSource`. */
export function follow(
  ctx: Context,
  { channel, after, toEvent, isMove, isEnd, isFor, ...following }: FollowingChannel,
): AsyncIterableIterator<Delivery> {
  const start = after === null || after === undefined ? null : (decodeCursor(channel, after) ?? nowhere)
  return followSource<ChannelItem>(ctx, {
    source: ctx.platform.channels.open(channel, start, ctx.signal),
    ...following,
    isMove: (item) => item.kind === 'resync' || isMove?.(item.event) === true,
    isEnd: (item) => item.kind === 'event' && isEnd?.(item.event) === true,
    isFor: (item, fresh) => item.kind === 'resync' || isFor?.(item.event, fresh) !== false,
    toEvent: (item) => {
      const cursor = encodeCursor(channel, item.position)
      if (item.kind === 'resync') return resyncRequired(cursor)
      return toEvent(item.event, cursor) ?? unknownEvent(ctx, item.event.type, cursor)
    },
  })
}

/**
 * Each item gets a fresh context, and passes the gate again if access may have changed; so does what is open while nothing
 * happens. When it no longer passes, `SubscriptionEnded` is the last thing delivered. `return()` ends it at once.
 */
export function followSource<Item>(ctx: Context, following: Following<Item>): AsyncIterableIterator<Delivery> {
  return new Deliveries(ctx, following)
}

// Not an async generator: return() of one waits for the pending next(), and a vanished client would stay subscribed.
class Deliveries<Item> implements AsyncIterableIterator<Delivery> {
  readonly #ctx: Context
  readonly #following: Following<Item>
  readonly #unwatch: () => void
  #ended = false
  /** Why access has ended, once it has: also when nothing happens that could be told. */
  #lost: EndReason | null = null
  #admitted: Admission | null = null
  #admitting: Promise<unknown> = Promise.resolve()
  #isLooking = false
  #isStale = false
  /** What was followed is gone, and that was told. */
  #isOver = false

  constructor(ctx: Context, following: Following<Item>) {
    this.#ctx = ctx
    this.#following = following
    const { found } = following
    if (found !== undefined && ctx.viewer.kind !== 'anonymous') this.#admitted = admission(ctx.viewer, found, null)
    this.#unwatch = watchAccess(ctx, {
      ended: (nobody) => this.#lose(reasonOf(nobody)),
      changed: () => void this.#look(),
    })
  }

  [Symbol.asyncIterator]() {
    return this
  }

  async next(): Promise<IteratorResult<Delivery>> {
    try {
      for (;;) {
        const delivered = await this.#deliver()
        if (delivered !== null) return delivered
      }
    } catch (error) {
      // Whoever is thrown at does not call return().
      await this.return()
      throw error
    }
  }

  async return(): Promise<IteratorResult<Delivery>> {
    this.#ended = true
    this.#unwatch()
    await this.#following.source.return()
    return { done: true, value: undefined }
  }

  /** Null where the item is none of the viewer's business. */
  async #deliver(): Promise<IteratorResult<Delivery> | null> {
    if (this.#ended) return { done: true, value: undefined }
    if (this.#isOver) return this.#end('RESOURCE_DELETED')
    const item = await this.#following.source.next()
    if (this.#ended || (item.done === true && this.#ctx.signal.aborted)) return this.return()
    if (this.#lost !== null) return this.#end(this.#lost)
    if (item.done === true) return this.#end('SERVER_RESTART')
    const step = stepOf(item.value, this.#following)
    const context = (step === 'end' ? null : this.#stillAdmitted(item.value)) ?? (await this.#admit(step))
    if (this.#ended || this.#ctx.signal.aborted) return this.return()
    if (typeof context === 'string') return this.#end(context)
    this.#isOver = step === 'end'
    if (this.#following.isFor?.(item.value, context) === false) return null
    const event = this.#following.toEvent(item.value)
    return event === null ? this.#end('RESOURCE_DELETED') : { done: false, value: { context, event } }
  }

  async #end(reason: EndReason): Promise<IteratorResult<Delivery>> {
    await this.return()
    return { done: false, value: { context: this.#ctx, event: { type: 'SubscriptionEnded', reason } } }
  }

  /** Somebody who has not read that far yet is told of the end as those who have. */
  async #reasonOf({ code }: Fault): Promise<EndReason> {
    const isGone = code === 'NOT_FOUND' && (await this.#following.isGone?.(this.#ctx).catch(() => false))
    return isGone === true ? 'RESOURCE_DELETED' : 'ACCESS_REMOVED'
  }

  #lose(reason: EndReason): void {
    this.#lost ??= reason
    void this.#following.source.return()
  }

  /** Finds out, while nothing happens that could be told, whether it may be followed any longer. */
  async #look(): Promise<void> {
    this.#isStale = true
    if (this.#isLooking) return
    this.#isLooking = true
    while (this.#isStale && !this.#ended) {
      this.#isStale = false
      const admitted = await this.#admit('none')
      if (typeof admitted === 'string') this.#lose(admitted)
    }
    this.#isLooking = false
  }

  #stillAdmitted(item: Item): Context | null {
    // What they were admitted by is being looked at again.
    if (this.#isLooking) return null
    const admitted = this.#admitted
    const age = performance.now() - (admitted?.at ?? 0)
    if (admitted === null || age >= (this.#following.admittedFor?.(item) ?? 0)) return null
    const { platform, request, signal } = this.#ctx
    return createContext(platform, { viewer: admitted.viewer, request, signal })
  }

  /**
   * A context in which the viewer may have this event, or why not. While that cannot be found out, the event waits; past the
   * limit the reader is sent away to come back, since clients do not retry after an error.
   */
  #admit(step: Step): Promise<Context | EndReason> {
    // One after the other: a slower one must not put back what a later one found.
    const admitted = this.#admitting.then(() => this.#passGate(step))
    this.#admitting = admitted
    return admitted
  }

  async #passGate(step: Step): Promise<Context | EndReason> {
    const { platform, request, signal } = this.#ctx
    const giveUpAt = platform.clock.now().getTime() + HOLD_MILLIS
    for (;;) {
      try {
        const asked = this.#admitted?.projectId ?? null
        const viewer = await platform.currentViewer(this.#ctx.viewer, asked)
        if (viewer.kind === 'anonymous') return reasonOf(viewer)
        const context = createContext(platform, { viewer, request, signal })
        const epochs = `${viewer.accessVersion}.${viewer.projectEpoch}`
        // Read before the gate: what changes behind it moves them on once more.
        const isSame = step !== 'move' && this.#admitted?.epochs === epochs
        if (isSame) this.#admitted = { viewer, at: performance.now(), projectId: asked, epochs }
        else if (step === 'end') return 'ACCESS_REMOVED'
        else this.#admitted = admission(viewer, await this.#following.gate(context), asked)
        return context
      } catch (error) {
        if (error instanceof Fault && error.code !== 'SERVICE_UNAVAILABLE') return this.#reasonOf(error)
        // Who has gone is told nothing.
        if (this.#ended || signal.aborted) return 'SERVER_RESTART'
        const isLate = platform.clock.now().getTime() > giveUpAt
        const what = isLate ? 'subscription ended' : 'event held'
        platform.log.warn({ err: error, requestId: request.id }, `${what}: access cannot be verified`)
        if (isLate) return 'SERVER_RESTART'
        await delay(HOLD_PAUSE_MILLIS, undefined, { signal }).catch(() => undefined)
      }
    }
  }
}

function stepOf<Item>(item: Item, { isMove, isEnd }: Following<Item>): Step {
  if (isEnd?.(item) === true) return 'end'
  return isMove?.(item) === true ? 'move' : 'none'
}

/** What a gate was passed under, by what it found itself or, where that does not tell, by the project that was asked about. */
function admission(viewer: ActingViewer, { projectId, home }: Followed, asked: string | null): Admission {
  const seen = projectId === asked ? viewer.projectEpoch : undefined
  const epoch = home === undefined ? seen : (home?.epoch ?? null)
  const epochs = epoch === undefined ? null : `${viewer.accessVersion}.${epoch}`
  return { viewer, at: performance.now(), projectId, epochs }
}

/** Watches over the access of whoever subscribed, until they leave or the returned function is called. */
function watchAccess({ platform, viewer, signal }: Context, watcher: AccessWatcher): () => void {
  return viewer.kind === 'anonymous' ? () => undefined : platform.watchAccess(viewer, watcher, signal)
}

function reasonOf(viewer: AnonymousViewer): EndReason {
  return viewer.isRemoved === true ? 'ACCESS_REMOVED' : 'SESSION_ENDED'
}
