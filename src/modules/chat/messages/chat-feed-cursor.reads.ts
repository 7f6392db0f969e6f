import { z } from 'zod'
import { decodeCursor, encodeCursor, nowhere, type Position } from '../../../lib/cursor.ts'

/** How much of an answer's tape a watcher says to have been told. */
export interface TextPlace {
  readonly messageId: string
  readonly offset: number
}

/** The cursor of a place among a session's events, and in the answer that is being written there. */
export function chatCursor(channel: string, position: Position, text: TextPlace | null): string {
  const place = encodeCursor(channel, position)
  if (text === null) return place
  return `${place}.${encodeCursor(textChannel(channel), { epoch: text.messageId, seq: text.offset })}`
}

/** Both places of a cursor; one that is garbled in either is nowhere. */
export function placesOf(channel: string, cursor: string): { position: Position; text: TextPlace | null } {
  const [place = '', textPlace, ...others] = cursor.split('.', 3)
  const position = decodeCursor(channel, place)
  const text = textPlace === undefined ? null : decodeCursor(textChannel(channel), textPlace)
  const isGarbled = textPlace !== undefined && !z.uuid().safeParse(text?.epoch).success
  if (position === null || isGarbled || others.length > 0) return { position: nowhere, text: null }
  return { position, text: text === null ? null : { messageId: text.epoch ?? '', offset: text.seq } }
}

/** What the second place of a cursor is bound to. */
function textChannel(channel: string): string {
  return `${channel}/text`
}
