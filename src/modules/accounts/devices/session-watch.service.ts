import type { ChannelSubscription } from '../../../platform/channels/subscription.ts'
import {
  type AccessWatcher,
  type ActingViewer,
  credentialOf,
  type Platform,
  type Viewer,
} from '../../../platform/context.ts'
import { accessChannel } from '../organizations/organization.events.ts'
import { viewerChannel } from '../users/viewer.events.ts'

/** Watches over the sessions that have something open on this node. */
export interface SessionWatch {
  /** See `Platform.watchAccess`. */
  watch(viewer: ActingViewer, watcher: AccessWatcher, signal: AbortSignal): () => void
  close(): void
}

/** One session with something open here. */
interface Watched {
  viewer: ActingViewer
  readonly watchers: Set<AccessWatcher>
  /** Of what happens to the person, and to anybody's rights in the organization. */
  readonly news: readonly ChannelSubscription[]
  /** The lapse that has been announced. */
  announced: number
  isChecking: boolean
  /** Something happened that no check has seen yet. */
  isStale: boolean
}

const SWEEP_MILLIS = 1_000
/** How long before access lapses that is announced: realtime.md, Sessions. */
const AHEAD_MILLIS = 60_000

/**
 * A session, key or agent's token is looked at again whenever something happens on its person's channel or to the access of
 * anybody in its organization (at once by a nudge, else with the next tick of the channels), and when its access is about to
 * lapse. All that is open of one shares one look, and then looks at what it follows.
 */
export function createSessionWatch(platform: Platform): SessionWatch {
  const sessions = new Map<string, Watched>()
  let sweeper: NodeJS.Timeout | undefined

  const forget = (watched: Watched) => {
    if (sessions.get(credentialOf(watched.viewer)) !== watched) return
    sessions.delete(credentialOf(watched.viewer))
    for (const news of watched.news) void news.return()
    if (sessions.size > 0) return
    clearInterval(sweeper)
    sweeper = undefined
  }
  const check = async (watched: Watched) => {
    watched.isStale = true
    if (watched.isChecking) return
    watched.isChecking = true
    try {
      while (watched.isStale && watched.watchers.size > 0) {
        watched.isStale = false
        settle(watched, await platform.currentViewer(watched.viewer))
      }
    } catch (error) {
      // The sweep tries again: until access can be found out about, each event is held by itself.
      watched.isStale = true
      platform.log.warn({ err: error }, 'it cannot be found out whether a session goes on')
    } finally {
      watched.isChecking = false
    }
  }
  const settle = (watched: Watched, viewer: Viewer) => {
    if (viewer.kind !== 'anonymous') {
      watched.viewer = viewer
      for (const watcher of [...watched.watchers]) watcher.changed?.()
      return announce(platform, watched)
    }
    const watchers = [...watched.watchers]
    watched.watchers.clear()
    forget(watched)
    for (const watcher of watchers) watcher.ended(viewer)
  }
  const sweep = () => {
    for (const watched of sessions.values()) if (watched.isStale || isNearItsEnd(platform, watched)) void check(watched)
  }
  const begin = (viewer: ActingViewer): Watched => {
    const channels = [viewerChannel(viewer.userId), accessChannel(viewer.organizationId)]
    const news = channels.map((channel) => platform.channels.open(channel, null))
    const watched = {
      viewer,
      watchers: new Set<AccessWatcher>(),
      news,
      announced: 0,
      isChecking: false,
      isStale: false,
    }
    sessions.set(credentialOf(viewer), watched)
    sweeper ??= setInterval(sweep, SWEEP_MILLIS).unref()
    for (const one of news) void listen(one, () => void check(watched))
    return watched
  }
  return {
    watch: (viewer, watcher, signal) => {
      // A client may have left while its credentials were checked.
      if (signal.aborted) return () => undefined
      const watched = sessions.get(credentialOf(viewer)) ?? begin(viewer)
      watched.watchers.add(watcher)
      // Who comes between the announcement and the end is told as well, once they listen.
      const { accessUntil } = watched.viewer
      if (watched.announced === accessUntil.getTime()) queueMicrotask(() => watcher.lapsing?.(accessUntil))
      const stop = () => {
        signal.removeEventListener('abort', stop)
        watched.watchers.delete(watcher)
        if (watched.watchers.size === 0) forget(watched)
      }
      signal.addEventListener('abort', stop)
      return stop
    },
    close: () => {
      for (const watched of [...sessions.values()]) forget(watched)
    },
  }
}

async function listen(news: ChannelSubscription, look: () => void): Promise<void> {
  // What happened between the caller's authentication and the beginning of the listening was said to nobody here.
  if ((await news.joined) !== null) look()
  for await (const _ of news) look()
}

function isNearItsEnd({ clock, settings }: Platform, { viewer, announced }: Watched): boolean {
  const now = clock.now().getTime()
  const until = viewer.accessUntil.getTime()
  if (now > until + settings.accessTokens.graceSeconds * 1_000) return true
  return announced !== until && now >= until - AHEAD_MILLIS
}

function announce({ clock }: Platform, watched: Watched): void {
  const until = watched.viewer.accessUntil.getTime()
  if (watched.announced === until || clock.now().getTime() < until - AHEAD_MILLIS) return
  watched.announced = until
  for (const watcher of watched.watchers) watcher.lapsing?.(watched.viewer.accessUntil)
}
