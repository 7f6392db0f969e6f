import { setTimeout as pause } from 'node:timers/promises'
import { nextStretch, placeOn, type Stretch, type TapePlace, tapeOf, tapeStart } from '../../../lib/answer-tape.ts'
import { beforeAnyLog, type Position } from '../../../lib/cursor.ts'
import type { LiveText } from '../../../platform/channels/live-text.ts'
import type { ChannelEvent } from '../../../platform/channels/log.ts'
import type { ChannelSubscription } from '../../../platform/channels/subscription.ts'
import type { ChannelItem } from '../../../platform/channels/topic.ts'
import type { Context } from '../../../platform/context.ts'
import { requireViewer } from '../../../platform/gate.ts'
import { chatChannel, chatChannelEvent } from '../sessions/chat-session.events.ts'
import { chatCursor, placesOf, type TextPlace } from './chat-feed-cursor.reads.ts'

/** One thing a session's watcher is told; its cursor is the place after it. */
export type ChatFeedItem =
  | { readonly kind: 'event'; readonly event: ChannelEvent; readonly cursor: string }
  | { readonly kind: 'delta'; readonly messageId: string; readonly stretch: Stretch; readonly cursor: string }
  | { readonly kind: 'resync'; readonly cursor: string }

/** The answer that is being written, and how much of its tape this watcher has been told. */
interface Live {
  readonly messageId: string
  place: TapePlace
  /** Of a cursor, which says no more than how much it is, until there is a tape to look at. */
  isClaim: boolean
  /** Null until there is nothing else to tell: an answer that has long ended needs no live text. */
  text: LiveText | null
}

/** What the session was when this watcher joined: the answer was begun before `position`. */
interface Joined {
  readonly position: Position
  readonly messageId: string | null
}

type Result = IteratorResult<ChatFeedItem, undefined>
const DONE = { done: true, value: undefined } as const
const RETRY_MILLIS = 500
/** Over more than a second, in which a text that no stream has any more is checkpointed. */
const MAX_LOOKS = 4

/**
 * A session's events with the text of its one live answer in between, from a cursor that holds both places, or from now
 * on. `MessageCreated` comes before the text, `MessageFinished` after the last of it; a late joiner gets the text so far at
 * once. What a watcher missed of a text comes as one delta, so a slow one costs nobody anything.
 */
export class ChatFeed {
  readonly #ctx: Context
  readonly #sessionId: string
  readonly #channel: string
  readonly #events: ChannelSubscription
  readonly #queue: ChatFeedItem[] = []
  #position: Position | null = null
  #live: Live | null = null
  readonly #claim: TextPlace | null
  #joined: Joined | null = null
  #isPulling = false
  #pulled: IteratorResult<ChannelItem, undefined> | null = null
  #wake = Promise.withResolvers<void>()
  #isEnded = false

  constructor(ctx: Context, sessionId: string, after: string | null | undefined) {
    this.#ctx = ctx
    this.#sessionId = sessionId
    this.#channel = chatChannel(requireViewer(ctx).organizationId, sessionId)
    const start = after === null || after === undefined ? null : placesOf(this.#channel, after)
    this.#claim = start?.text ?? null
    this.#events = ctx.platform.channels.open(this.#channel, start === null ? null : start.position, ctx.signal)
  }

  async next(): Promise<Result> {
    this.#position ??= await this.#join()
    for (;;) {
      const item = this.#queue.shift() ?? this.#delta()
      if (this.#isEnded || this.#position === null) return DONE
      if (item !== undefined) return { done: false, value: item }
      this.#attach()
      if (this.#pulled === null) await this.#wait()
      const pulled = this.#pulled
      this.#pulled = null
      if (pulled?.done === true) return this.return()
      if (pulled !== null) await this.#take(pulled.value)
    }
  }

  async return(): Promise<Result> {
    this.#isEnded = true
    this.#leave()
    this.#wake.resolve()
    await this.#events.return()
    return DONE
  }

  /** Where the watcher begins; null when it has left before that was known. */
  async #join(): Promise<Position | null> {
    const position = await this.#events.joined
    if (position === null) return null
    const claim = this.#claim
    this.#joined = await this.#patiently(() => this.#look())
    if (claim === null) return position
    const isHere = await this.#patiently(() => this.#isOfSession(claim.messageId))
    if (isHere === true)
      this.#live = { ...fresh(claim.messageId), place: { ...tapeStart, offset: claim.offset }, isClaim: true }
    else this.#queue.push({ kind: 'resync', cursor: this.#cursor(position) })
    return position
  }

  /** Waits for the next event, or for more of the text. */
  async #wait(): Promise<void> {
    this.#pull()
    // Of what happened long ago the end of an answer stands in the log already, and comes at once.
    if (this.#live?.text === null) await pause(0)
    if (this.#pulled === null) await this.#goLive()
    if (this.#pulled === null && !this.#hasMore() && !this.#isEnded && this.#queue.length === 0)
      await this.#wake.promise
    this.#wake = Promise.withResolvers()
  }

  async #goLive(): Promise<void> {
    const live = this.#live
    if (live === null || live.text !== null) return
    const text = this.#ctx.platform.liveTexts.watch(live.messageId, () => this.#wake.resolve())
    live.text = text
    await text.opened
    await this.#checkClaim(live, text)
  }

  #pull(): void {
    if (this.#isPulling) return
    this.#isPulling = true
    const settle = (pulled: IteratorResult<ChannelItem, undefined>) => {
      this.#isPulling = false
      this.#pulled = pulled
      this.#wake.resolve()
    }
    void this.#events.next().then(settle, () => settle(DONE))
  }

  /** A cursor from a future of this text, or of a text that was lost with its node: the whole of it comes again. */
  async #checkClaim(live: Live, text: LiveText): Promise<void> {
    // The node that the watcher comes from may have been ahead of what was read here.
    for (let looks = 0; looks < MAX_LOOKS && live.place.offset > text.text().length && !this.#isEnded; looks++) {
      if (looks > 0) await pause(RETRY_MILLIS)
      await text.look()
    }
    if (live.place.offset <= text.text().length || this.#position === null) return
    live.place = tapeStart
    this.#queue.push({ kind: 'resync', cursor: this.#cursor(this.#position, live) })
  }

  #hasMore(): boolean {
    const live = this.#live
    // Marks that nothing follows yet are told with what does.
    return live?.text != null && nextStretch(live.text.text(), live.place) !== null
  }

  #delta(): ChatFeedItem | undefined {
    const live = this.#live
    return live?.text == null ? undefined : this.#tell(live, live.text.text())
  }

  /** The next stretch of what a tape has beyond what was told; undefined when there is none. */
  #tell(live: Live, tape: string): ChatFeedItem | undefined {
    if (live.isClaim) live.place = placeOn(tape, live.place.offset)
    live.isClaim = false
    const next = nextStretch(tape, live.place)
    if (next === null) return undefined
    live.place = next.place
    const cursor = this.#cursor(this.#position ?? beforeAnyLog, live)
    return { kind: 'delta', messageId: live.messageId, stretch: next.stretch, cursor }
  }

  #tellAll(live: Live, tape: string): void {
    for (let item = this.#tell(live, tape); item !== undefined; item = this.#tell(live, tape)) this.#queue.push(item)
  }

  /** Goes live with the answer that was being written when the watcher joined, once all events before that are told. */
  #attach(): void {
    if (this.#joined === null || this.#position === null) return
    const { position, messageId } = this.#joined
    // In another log than that there will be a resync, and then another look.
    const isThere = (this.#position.epoch ?? position.epoch) === position.epoch && this.#position.seq >= position.seq
    if (!isThere) return
    this.#joined = null
    if (messageId !== null && this.#live === null) this.#live = fresh(messageId)
  }

  async #take(item: ChannelItem): Promise<void> {
    if (item.kind === 'resync') {
      this.#leave()
      this.#position = item.position
      this.#queue.push({ kind: 'resync', cursor: this.#cursor(item.position) })
      this.#joined = await this.#patiently(() => this.#look())
      return
    }
    const known = chatChannelEvent(item.event)
    if (known?.type === 'MessageFinished') await this.#finish(known.messageId)
    if (known?.type === 'MessageCreated' && known.isAnswer) {
      this.#leave()
      this.#live = fresh(known.messageId)
    }
    if (known?.type === 'ToolCallStarted' || known?.type === 'ToolCallFinished')
      await this.#catchUp(known.messageId, known.tapeLength)
    this.#position = item.position
    this.#queue.push({ kind: 'event', event: item.event, cursor: this.#cursor(item.position, this.#live) })
  }

  /** Tells what was written before a call of a tool, before that is told. */
  async #catchUp(messageId: string, tapeLength: number): Promise<void> {
    // From a cursor that says nothing of the text all of it is told.
    this.#live ??= fresh(messageId)
    const live = this.#live
    if (live.messageId !== messageId || live.place.offset >= tapeLength) return
    const tape = await this.#patiently(() => this.#tapeOf(messageId))
    if (tape !== null) this.#tellAll(live, tape.slice(0, tapeLength))
  }

  /** Tells the rest of the text as it stays, before its end is told. */
  async #finish(messageId: string): Promise<void> {
    const tape = await this.#patiently(() => this.#tapeOf(messageId))
    const live = this.#live?.messageId === messageId ? this.#live : fresh(messageId)
    if (tape !== null && live.place.offset > tape.length) {
      live.place = tapeStart
      this.#queue.push({ kind: 'resync', cursor: this.#cursor(this.#position ?? beforeAnyLog, live) })
    }
    if (tape !== null) this.#tellAll(live, tape)
    if (this.#live?.messageId === messageId) this.#leave()
    if (this.#joined?.messageId === messageId) this.#joined = null
  }

  #leave(): void {
    this.#live?.text?.close()
    this.#live = null
  }

  #cursor(position: Position, live: Live | null = null): string {
    const text = live === null ? null : { messageId: live.messageId, offset: live.place.offset }
    return chatCursor(this.#channel, position, text)
  }

  /** The end of the session's log and its live answer, as they were at one moment. */
  async #look(): Promise<Joined> {
    const { unscoped } = this.#ctx.platform.database
    const row = await unscoped
      .selectFrom('chat_session')
      .leftJoin('channel_head', (join) => join.on('channel_head.channel', '=', this.#channel))
      .leftJoin('message', (join) =>
        join.onRef('message.session_id', '=', 'chat_session.id').on('message.status', '=', 'STREAMING'),
      )
      .where('chat_session.id', '=', this.#sessionId)
      .select(['channel_head.epoch', 'channel_head.seq', 'message.id as messageId'])
      .executeTakeFirst()
    const { epoch = null, seq = null, messageId = null } = row ?? {}
    return { position: epoch === null ? beforeAnyLog : { epoch, seq: seq ?? 0 }, messageId }
  }

  async #isOfSession(messageId: string): Promise<boolean> {
    const rows = this.#ctx.db.from('message').where('message.id', '=', messageId)
    const row = await rows.where('message.session_id', '=', this.#sessionId).select('message.id').executeTakeFirst()
    return row !== undefined
  }

  async #tapeOf(messageId: string): Promise<string> {
    const rows = this.#ctx.db.from('message').where('message.id', '=', messageId)
    const row = await rows
      .where('message.session_id', '=', this.#sessionId)
      .select(['message.content', 'message.thoughts'])
      .executeTakeFirst()
    return row === undefined ? '' : tapeOf({ text: row.content, thoughts: row.thoughts })
  }

  /** A failing database makes it late, never wrong; null when the watcher left meanwhile. */
  async #patiently<Value>(read: () => Promise<Value>): Promise<Value | null> {
    const { platform, signal } = this.#ctx
    while (!this.#isEnded && !signal.aborted) {
      try {
        return await read()
      } catch (error) {
        platform.log.warn({ err: error }, 'a chat feed is late')
        await pause(RETRY_MILLIS, undefined, { signal }).catch(() => undefined)
      }
    }
    return null
  }
}

function fresh(messageId: string): Live {
  return { messageId, place: tapeStart, isClaim: false, text: null }
}
