import { beforeAnyLog, decodeCursor, encodeCursor, nowhere, type Position } from '../../../lib/cursor.ts'
import { readHeads } from '../../../platform/channels/log.ts'
import type { ActingViewer, Context } from '../../../platform/context.ts'
import { newsChannel } from '../organizations/organization.events.ts'
import { viewerChannel } from './viewer.events.ts'

/** A person's own channel, and that of the news of the organization they act in. */
interface Channels {
  readonly own: string
  readonly news: string
}

/** A place in both. */
interface Places {
  readonly own: Position
  readonly news: Position
}

/** The cursor of a place in both channels. */
export function viewerCursor(channels: Channels, { own, news }: Places): string {
  return `${encodeCursor(channels.own, own)}.${encodeCursor(channels.news, news)}`
}

/**
 * Both places of a cursor. News are of the organization somebody acted in: with one of elsewhere, or of before there were
 * any, they begin now.
 */
export function placesOf(channels: Channels, cursor: string): { own: Position; news: Position | null } {
  const [own = '', news, ...others] = cursor.split('.', 3)
  const position = decodeCursor(channels.own, own)
  if (position === null || others.length > 0) return { own: nowhere, news: null }
  return { own: position, news: news === undefined ? null : decodeCursor(channels.news, news) }
}

/** Where both of a viewer's channels stand now. */
export async function viewerEventsCursor({ platform }: Context, viewer: ActingViewer): Promise<string> {
  const channels = { own: viewerChannel(viewer.userId), news: newsChannel(viewer.organizationId) }
  const heads = await readHeads(platform.database.unscoped, [channels.own, channels.news])
  const headOf = (channel: string) => heads.get(channel) ?? beforeAnyLog
  return viewerCursor(channels, { own: headOf(channels.own), news: headOf(channels.news) })
}
