import { setTimeout as pause } from 'node:timers/promises'
import { beforeAnyLog, type Position } from '../../../lib/cursor.ts'
import type { ChannelEvent } from '../../../platform/channels/log.ts'
import type { ChannelSubscription } from '../../../platform/channels/subscription.ts'
import type { ChannelItem } from '../../../platform/channels/topic.ts'
import type { Context } from '../../../platform/context.ts'
import { requirePerson } from '../../../platform/gate.ts'
import { newsChannel, type OrganizationNews, organizationNewsOf } from '../organizations/organization.events.ts'
import { viewerChannel } from './viewer.events.ts'
import { placesOf, viewerCursor } from './viewer-cursor.reads.ts'

/** One thing a person is told of their account or their organization; its cursor is the place after it. */
export type ViewerFeedItem =
  | { readonly kind: 'event'; readonly event: ChannelEvent; readonly cursor: string }
  | { readonly kind: 'news'; readonly type: OrganizationNews['type']; readonly cursor: string }
  | { readonly kind: 'lapsing'; readonly at: Date; readonly cursor: string }
  | { readonly kind: 'resync'; readonly cursor: string }

type Result = IteratorResult<ViewerFeedItem, undefined>
type Awaited = Promise<IteratorResult<ChannelItem, undefined>>

/** News say that something is otherwise now: of many in a row it is enough to tell so often. */
const NEWS_MILLIS = 1_000

/**
 * The events of a person's channel, and in between the news of the organization they act in, and word that the access of the
 * session that asks is about to lapse.
 */
export class ViewerFeed {
  readonly #channels: { readonly own: string; readonly news: string }
  readonly #events: ChannelSubscription
  readonly #news: ChannelSubscription
  readonly #ended = new AbortController()
  readonly #unwatch: () => void
  #position: Position | null = null
  #newsPosition: Position | null = null
  /** What is awaited of either channel; kept while something else is told before it comes. */
  #awaited: Awaited | null = null
  #awaitedNews: Awaited | null = null
  #lapse = Promise.withResolvers<Date>()
  /** News that are to be told, once it is time. */
  readonly #due = new Set<OrganizationNews['type']>()
  #time: Promise<'time'> | null = null
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(ctx: Context, after: string | null | undefined) {
    const viewer = requirePerson(ctx, 'session.read')
    const { channels, watchAccess } = ctx.platform
    this.#channels = { own: viewerChannel(viewer.userId), news: newsChannel(viewer.organizationId) }
    const start = after === null || after === undefined ? null : placesOf(this.#channels, after)
    this.#events = channels.open(this.#channels.own, start === null ? null : start.own, ctx.signal)
    this.#news = channels.open(this.#channels.news, start?.news ?? null, ctx.signal)
    // The end of access ends the deliveries by themselves.
    const watcher = { ended: () => undefined, lapsing: (at: Date) => this.#lapse.resolve(at) }
    this.#unwatch = watchAccess(viewer, watcher, ctx.signal)
  }

  async next(): Promise<Result> {
    this.#position ??= (await this.#events.joined) ?? beforeAnyLog
    this.#newsPosition ??= (await this.#news.joined) ?? beforeAnyLog
    for (;;) {
      this.#awaited ??= this.#events.next()
      this.#awaitedNews ??= this.#news.next()
      const first = await Promise.race([
        this.#awaited.then((result) => ({ of: 'own' as const, result })),
        this.#lapse.promise,
        this.#awaitedNews.then((result) => ({ of: 'news' as const, result })),
        ...(this.#time === null ? [] : [this.#time]),
      ])
      if (first instanceof Date) {
        this.#lapse = Promise.withResolvers()
        return this.#tell({ kind: 'lapsing', at: first })
      }
      if (first !== 'time' && first.result.done === true) return this.return()
      if (first === 'time') {
        const [type] = this.#due
        if (type !== undefined) return this.#tellNews(type)
        this.#time = null
      } else if (first.of === 'own') {
        return this.#tellOwn(first.result.value)
      } else this.#note(first.result.value)
    }
  }

  async return(): Promise<Result> {
    this.#ended.abort()
    this.#unwatch()
    await Promise.all([this.#events.return(), this.#news.return()])
    return { done: true, value: undefined }
  }

  #tellOwn(item: ChannelItem | undefined): Result {
    this.#awaited = null
    if (item === undefined) return { done: true, value: undefined }
    this.#position = item.position
    return this.#tell(item.kind === 'resync' ? { kind: 'resync' } : { kind: 'event', event: item.event })
  }

  #tellNews(type: OrganizationNews['type']): Result {
    this.#due.delete(type)
    this.#toldAt = performance.now()
    if (this.#due.size === 0) this.#time = null
    return this.#tell({ kind: 'news', type })
  }

  /** Whoever has missed news is told all there may be: they say what is now. */
  #note(item: ChannelItem | undefined): void {
    this.#awaitedNews = null
    if (item === undefined) return
    this.#newsPosition = item.position
    for (const type of organizationNewsOf(item.kind === 'resync' ? null : item.event)) this.#due.add(type)
    const millis = Math.max(0, this.#toldAt + NEWS_MILLIS - performance.now())
    const { signal } = this.#ended
    this.#time ??= pause(millis, 'time' as const, { signal }).catch(() => 'time' as const)
  }

  #tell(item: Without<ViewerFeedItem, 'cursor'>): Result {
    const own = this.#position ?? beforeAnyLog
    const cursor = viewerCursor(this.#channels, { own, news: this.#newsPosition ?? beforeAnyLog })
    return { done: false, value: { ...item, cursor } }
  }
}

type Without<Item, Key extends PropertyKey> = Item extends unknown ? Omit<Item, Key> : never
