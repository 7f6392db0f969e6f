import { createHash } from 'node:crypto'

/** A place in a channel's log: after the event `seq` of the log `epoch`. Before there is a log: `{ epoch: null, seq: 0 }`. */
export interface Position {
  readonly epoch: string | null
  readonly seq: number
}

/** The place in a log that does not exist yet. */
export const beforeAnyLog: Position = { epoch: null, seq: 0 }

/** A place in no log: what an unreadable cursor stands for. Whoever reads on from here is told to resync. */
export const nowhere: Position = { epoch: '', seq: -1 }

const VERSION = 1
const SEQ_BYTES = 8
const CHECKSUM_BYTES = 6
const CHECKSUM_START = 1 + SEQ_BYTES
const EPOCH_START = CHECKSUM_START + CHECKSUM_BYTES
const MAX_CURSOR_LENGTH = 128
// Also keeps text out of the database's way that it cannot store, such as a NUL.
const EPOCH = /^[A-Za-z0-9_-]{1,64}$/

/**
 * An opaque, URL-safe text for a position, bound to its channel. It is no secret and no proof of a right.
 * @throws {RangeError} for `nowhere`, which has no cursor.
 */
export function encodeCursor(channel: string, position: Position): string {
  const epoch = position.epoch ?? ''
  const start = Buffer.alloc(CHECKSUM_START)
  start[0] = VERSION
  start.writeBigUInt64BE(BigInt(position.seq), 1)
  return Buffer.concat([start, checksum(channel, start, epoch), Buffer.from(epoch)]).toString('base64url')
}

/** The position of a cursor; null for anything that `encodeCursor` did not make for this very channel. */
export function decodeCursor(channel: string, text: string): Position | null {
  if (text.length > MAX_CURSOR_LENGTH) return null
  const bytes = Buffer.from(text, 'base64url')
  // Buffer skips what is not base64url: only the one spelling is a cursor.
  if (bytes.length < EPOCH_START || bytes[0] !== VERSION || bytes.toString('base64url') !== text) return null
  const start = bytes.subarray(0, CHECKSUM_START)
  const epoch = bytes.toString('latin1', EPOCH_START)
  if (!checksum(channel, start, epoch).equals(bytes.subarray(CHECKSUM_START, EPOCH_START))) return null
  const seq = Number(start.readBigUInt64BE(1))
  if (!Number.isSafeInteger(seq)) return null
  if (epoch === '') return seq === 0 ? beforeAnyLog : null
  return EPOCH.test(epoch) ? { epoch, seq } : null
}

function checksum(channel: string, start: Buffer, epoch: string): Buffer {
  const hash = createHash('sha256').update(channel).update('\0').update(start).update(epoch)
  return hash.digest().subarray(0, CHECKSUM_BYTES)
}
