import { randomInt } from 'node:crypto'
import { v7 } from 'uuid'

// State of this process: ids of one millisecond are ordered within the process (RFC 9562, 6.2, method 1).
let lastMillis = -1
let sequence = 0

/**
 * Makes a UUIDv7 of the given time; ids of the same millisecond, asked for in a row, sort in the order they were made.
 * @throws {RangeError} when the time is invalid or before 1970.
 */
export function newUuid(now: Date): string {
  const millis = now.getTime()
  if (!(millis >= 0)) throw new RangeError('A UUIDv7 needs a time since 1970')
  // A start in the lower half of 32 bits leaves 2^31 ids to the millisecond.
  sequence = millis === lastMillis ? sequence + 1 : randomInt(2 ** 31)
  lastMillis = millis
  return v7({ msecs: millis, seq: sequence })
}

/** The time of a UUIDv7, in milliseconds since 1970: its first 48 bits (RFC 9562, 5.7). */
export function millisOf(uuid: string): number {
  return Number.parseInt(uuid.replaceAll('-', '').slice(0, 12), 16)
}
