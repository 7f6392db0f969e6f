import { setTimeout as delay } from 'node:timers/promises'
import { decodeCursor, encodeCursor, nowhere } from '../lib/cursor.ts'
import type { ChannelEvent } from '../platform/channels/log.ts'
import type { ChannelSubscription } from '../platform/channels/subscription.ts'
import type { ChannelItem } from '../platform/channels/topic.ts'
import { type Context, createContext } from '../platform/context.ts'
import { Fault } from '../platform/errors.ts'
import type { Log } from '../platform/log.ts'
import { builder } from './builder.ts'

/** Why a subscription ended for good. */
export type EndReason = 'ACCESS_REMOVED' | 'SESSION_ENDED' | 'SERVER_RESTART'

/** Members of every subscription's union. */
export type StreamControl =
  | { readonly type: 'ResyncRequired'; readonly cursor: string }
  | { readonly type: 'SubscriptionEnded'; readonly reason: EndReason }

/** One event on its way to one subscriber, with the context it is to be executed in. */
export interface Delivery {
  readonly context: Context
  readonly event: object
}

/** What a subscription follows, who may, and how an event of the channel becomes one of the graph. */
export interface Following<Event extends { readonly type: string }> {
  readonly channel: string
  readonly after: string | null | undefined
  /** Throws a Fault when the context's viewer may not, or no longer, follow. Run before every event. */
  readonly gate: (ctx: Context) => Promise<unknown>
  /** Null for an event that this code does not know: a newer node recorded it. */
  readonly toEvent: (event: ChannelEvent, cursor: string) => Event | null
}

const HOLD_MILLIS = 60_000
const HOLD_PAUSE_MILLIS = 500

/**
 * Follows a channel from a cursor, or from now on. Each event gets a fresh context and passes the gate again; when it
 * no longer does, `SubscriptionEnded` is the last thing delivered. `return()` ends it at once.
 */
export function follow<Event extends { readonly type: string }>(
  ctx: Context,
  following: Following<Event>,
): AsyncIterableIterator<Delivery> {
  const { channel, after } = following
  const start = after === null || after === undefined ? null : (decodeCursor(channel, after) ?? nowhere)
  const source = ctx.platform.channels.open(channel, start, ctx.signal)
  return new Deliveries(ctx, source, following)
}

// Not an async generator: return() of one waits for the pending next(), and a vanished client would stay subscribed.
class Deliveries<Event extends { readonly type: string }> implements AsyncIterableIterator<Delivery> {
  readonly #ctx: Context
  readonly #source: ChannelSubscription
  readonly #following: Following<Event>
  #ended = false

  constructor(ctx: Context, source: ChannelSubscription, following: Following<Event>) {
    this.#ctx = ctx
    this.#source = source
    this.#following = following
  }

  [Symbol.asyncIterator]() {
    return this
  }

  async next(): Promise<IteratorResult<Delivery>> {
    try {
      return await this.#deliver()
    } catch (error) {
      // Whoever is thrown at does not call return().
      await this.return()
      throw error
    }
  }

  async return(): Promise<IteratorResult<Delivery>> {
    this.#ended = true
    await this.#source.return()
    return { done: true, value: undefined }
  }

  async #deliver(): Promise<IteratorResult<Delivery>> {
    if (this.#ended) return { done: true, value: undefined }
    const item = await this.#source.next()
    if (this.#ended || (item.done === true && this.#ctx.signal.aborted)) return this.return()
    if (item.done === true) return this.#end('SERVER_RESTART')
    const context = await this.#admit()
    if (this.#ended) return { done: true, value: undefined }
    if (typeof context === 'string') return this.#end(context)
    return { done: false, value: { context, event: this.#eventOf(item.value) } }
  }

  async #end(reason: EndReason): Promise<IteratorResult<Delivery>> {
    await this.return()
    return { done: false, value: { context: this.#ctx, event: { type: 'SubscriptionEnded', reason } } }
  }

  #eventOf(item: ChannelItem): Event | StreamControl {
    const cursor = encodeCursor(this.#following.channel, item.position)
    const event = item.kind === 'resync' ? null : this.#following.toEvent(item.event, cursor)
    if (item.kind !== 'resync' && event === null) warnOnce(this.#ctx.platform.log, item.event.type)
    return event ?? { type: 'ResyncRequired', cursor }
  }

  /** A context in which the viewer may have this event, or why not. While that cannot be found out, the event waits. */
  async #admit(): Promise<Context | EndReason> {
    const { platform, request, signal } = this.#ctx
    const giveUpAt = Date.now() + HOLD_MILLIS
    for (;;) {
      try {
        const viewer = await platform.currentViewer(this.#ctx.viewer)
        if (viewer.kind === 'anonymous') return viewer.isRemoved === true ? 'ACCESS_REMOVED' : 'SESSION_ENDED'
        const context = createContext(platform, { viewer, request, signal })
        await this.#following.gate(context)
        return context
      } catch (error) {
        if (error instanceof Fault && error.code !== 'SERVICE_UNAVAILABLE') return 'ACCESS_REMOVED'
        if (this.#ended || signal.aborted || Date.now() > giveUpAt) throw error
        platform.log.warn({ err: error, requestId: request.id }, 'event held: access cannot be verified')
        await delay(HOLD_PAUSE_MILLIS, undefined, { signal }).catch(() => undefined)
      }
    }
  }
}

const warnedTypes = new WeakMap<Log, Set<string>>()

function warnOnce(log: Log, type: string): void {
  const warned = warnedTypes.get(log) ?? new Set()
  warnedTypes.set(log, warned)
  if (warned.has(type)) return
  warned.add(type)
  log.warn({ type }, 'events of an unknown type: subscribers are told to read again')
}

const EndReasonRef = builder.enumType('EndReason', {
  description: 'Why a subscription ended for good.',
  values: {
    ACCESS_REMOVED: { description: 'You may no longer see what you followed.' },
    SESSION_ENDED: { description: 'Your session was signed out or expired. Sign in again.' },
    SERVER_RESTART: { description: 'The server stops. Connect again with your last cursor; nothing is lost.' },
  } as const,
})

/** Part of every subscription's union. */
export const SubscriptionEndedRef = builder
  .objectRef<Extract<StreamControl, { type: 'SubscriptionEnded' }>>('SubscriptionEnded')
  .implement({
    description: 'The last thing a subscription says before it completes.',
    fields: (t) => ({
      reason: t.field({
        type: EndReasonRef,
        description: 'What ended it, and so whether to come back.',
        resolve: (ended) => ended.reason,
      }),
    }),
  })

/** Part of every subscription's union. */
export const ResyncRequiredRef = builder
  .objectRef<Extract<StreamControl, { type: 'ResyncRequired' }>>('ResyncRequired')
  .implement({
    description:
      'What happened since your cursor cannot be told without a gap. Read the object again; events go on from `cursor`.',
    fields: (t) => ({
      cursor: t.field({
        type: 'Cursor',
        description: 'The place events go on from.',
        resolve: (resync) => resync.cursor,
      }),
    }),
  })
