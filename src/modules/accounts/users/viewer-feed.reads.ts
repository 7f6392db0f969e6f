import { beforeAnyLog, decodeCursor, encodeCursor, nowhere, type Position } from '../../../lib/cursor.ts'
import type { ChannelEvent } from '../../../platform/channels/log.ts'
import type { ChannelSubscription } from '../../../platform/channels/subscription.ts'
import type { ChannelItem } from '../../../platform/channels/topic.ts'
import type { Context } from '../../../platform/context.ts'
import { requirePerson } from '../../../platform/gate.ts'
import { viewerChannel } from './viewer.events.ts'

/** One thing a person is told of their account; its cursor is the place after it. */
export type ViewerFeedItem =
  | { readonly kind: 'event'; readonly event: ChannelEvent; readonly cursor: string }
  | { readonly kind: 'lapsing'; readonly at: Date; readonly cursor: string }
  | { readonly kind: 'resync'; readonly cursor: string }

type Result = IteratorResult<ViewerFeedItem, undefined>

/** The events of a person's channel, and in between word that the access of the session that asks is about to lapse. */
export class ViewerFeed {
  readonly #channel: string
  readonly #events: ChannelSubscription
  readonly #unwatch: () => void
  #position: Position | null = null
  /** The event that is awaited; kept while a lapse is told before it comes. */
  #awaited: Promise<IteratorResult<ChannelItem, undefined>> | null = null
  #lapse = Promise.withResolvers<Date>()

  constructor(ctx: Context, after: string | null | undefined) {
    const viewer = requirePerson(ctx, 'session.read')
    const { channels, watchAccess } = ctx.platform
    this.#channel = viewerChannel(viewer.userId)
    const start = after === null || after === undefined ? null : (decodeCursor(this.#channel, after) ?? nowhere)
    this.#events = channels.open(this.#channel, start, ctx.signal)
    // The end of access ends the deliveries by themselves.
    const watcher = { ended: () => undefined, lapsing: (at: Date) => this.#lapse.resolve(at) }
    this.#unwatch = watchAccess(viewer, watcher, ctx.signal)
  }

  async next(): Promise<Result> {
    this.#position ??= (await this.#events.joined) ?? beforeAnyLog
    this.#awaited ??= this.#events.next()
    const first = await Promise.race([this.#awaited, this.#lapse.promise])
    if (first instanceof Date) {
      this.#lapse = Promise.withResolvers()
      return { done: false, value: { kind: 'lapsing', at: first, cursor: this.#cursor() } }
    }
    this.#awaited = null
    if (first.done === true) return this.return()
    this.#position = first.value.position
    const cursor = this.#cursor()
    const item = first.value.kind === 'resync' ? { kind: 'resync' as const } : first.value
    return { done: false, value: { ...item, cursor } }
  }

  async return(): Promise<Result> {
    this.#unwatch()
    await this.#events.return()
    return { done: true, value: undefined }
  }

  #cursor(): string {
    return encodeCursor(this.#channel, this.#position ?? beforeAnyLog)
  }
}
