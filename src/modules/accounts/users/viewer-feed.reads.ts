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

/** What has come, and is to be told or noted. */
type Arrival =
  | { readonly of: 'own' | 'news'; readonly result: IteratorResult<ChannelItem, undefined> }
  | { readonly of: 'lapse'; readonly at: Date }
  | { readonly of: 'time' }

/** News say that something is otherwise now: of many in a row it is enough to tell so often. */
const NEWS_MILLIS = 1_000

/**
 * The events of a person's channel, and in between the news of the organization they act in, and word that the access of the
 * session that asks is about to lapse.
 */
export class ViewerFeed {
  readonly #channels: { readonly own: string; readonly news: string }
  readonly #subscriptions: Readonly<Record<'own' | 'news', ChannelSubscription>>
  readonly #unwatch: () => void
  #position: Position | null = null
  /** After the news that were told; those that are still to be told come after it. */
  #newsPosition: Position | null = null
  #notedPosition: Position | null = null
  readonly #arrivals: Arrival[] = []
  #wake: () => void = () => undefined
  /** Of which channels the next item is awaited: one at a time. */
  readonly #awaited = new Set<'own' | 'news'>()
  /** News that are to be told, once it is time. */
  readonly #due = new Set<OrganizationNews['type']>()
  #timer: NodeJS.Timeout | null = null
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(ctx: Context, after: string | null | undefined) {
    const viewer = requirePerson(ctx, 'session.read')
    const { channels, watchAccess } = ctx.platform
    this.#channels = { own: viewerChannel(viewer.userId), news: newsChannel(viewer.organizationId) }
    const start = after === null || after === undefined ? null : placesOf(this.#channels, after)
    this.#subscriptions = {
      own: channels.open(this.#channels.own, start === null ? null : start.own, ctx.signal),
      news: channels.open(this.#channels.news, start?.news ?? null, ctx.signal),
    }
    // The end of access ends the deliveries by themselves.
    const watcher = { ended: () => undefined, lapsing: (at: Date) => this.#arrive({ of: 'lapse', at }) }
    this.#unwatch = watchAccess(viewer, watcher, ctx.signal)
  }

  async next(): Promise<Result> {
    this.#position ??= (await this.#subscriptions.own.joined) ?? beforeAnyLog
    this.#newsPosition ??= (await this.#subscriptions.news.joined) ?? beforeAnyLog
    for (;;) {
      this.#await('own')
      this.#await('news')
      const arrival = this.#arrivals.shift()
      const told = arrival === undefined ? null : this.#take(arrival)
      if (told === 'end') return this.return()
      if (told !== null) return told
      if (this.#arrivals.length === 0) await new Promise<void>((wake) => this.#waitFor(wake))
    }
  }

  async return(): Promise<Result> {
    this.#unwatch()
    clearTimeout(this.#timer ?? undefined)
    await Promise.all(Object.values(this.#subscriptions).map((subscription) => subscription.return()))
    return { done: true, value: undefined }
  }

  #waitFor(wake: () => void): void {
    this.#wake = wake
  }

  #arrive(arrival: Arrival): void {
    this.#arrivals.push(arrival)
    this.#wake()
  }

  #await(of: 'own' | 'news'): void {
    if (this.#awaited.has(of)) return
    this.#awaited.add(of)
    void this.#subscriptions[of].next().then((result) => {
      this.#awaited.delete(of)
      this.#arrive({ of, result })
    })
  }

  /** Null where it is nothing to be told now. */
  #take(arrival: Arrival): Result | 'end' | null {
    if (arrival.of === 'lapse') return this.#tell({ kind: 'lapsing', at: arrival.at })
    if (arrival.of === 'time') return this.#tellNews()
    const { result } = arrival
    if (result.done === true) return 'end'
    if (arrival.of === 'news') return this.#note(result.value)
    this.#position = result.value.position
    return this.#tell(
      result.value.kind === 'resync' ? { kind: 'resync' } : { kind: 'event', event: result.value.event },
    )
  }

  /** Whoever has missed news is told all there may be: they say what is now. */
  #note(item: ChannelItem): null {
    this.#notedPosition = item.position
    for (const type of organizationNewsOf(item.kind === 'resync' ? null : item.event)) this.#due.add(type)
    const millis = Math.max(0, this.#toldAt + NEWS_MILLIS - performance.now())
    this.#timer ??= setTimeout(() => this.#arrive({ of: 'time' }), millis)
    return null
  }

  #tellNews(): Result | null {
    this.#timer = null
    const [type] = this.#due
    if (type === undefined) return null
    this.#due.delete(type)
    if (this.#due.size > 0) this.#arrive({ of: 'time' })
    else this.#newsPosition = this.#notedPosition
    this.#toldAt = performance.now()
    return this.#tell({ kind: 'news', type })
  }

  #tell(item: Without<ViewerFeedItem, 'cursor'>): Result {
    const [own, news] = [this.#position ?? beforeAnyLog, this.#newsPosition ?? beforeAnyLog]
    return { done: false, value: { ...item, cursor: viewerCursor(this.#channels, { own, news }) } }
  }
}

type Without<Item, Key extends PropertyKey> = Item extends unknown ? Omit<Item, Key> : never
