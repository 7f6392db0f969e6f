import { createHash, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { beforeAnyLog, decodeCursor, encodeCursor, nowhere } from '../../src/lib/cursor.ts'

const channel = 'project:018f'
const position = { epoch: 'kSS7i5ZhqpD2', seq: 7_000_000_000 }

test('a cursor gives back its position', () => {
  for (const one of [position, beforeAnyLog, { epoch: 'a', seq: 0 }, { epoch: 'E-_9', seq: Number.MAX_SAFE_INTEGER }]) {
    const cursor = encodeCursor(channel, one)
    expect(cursor).toMatch(/^[\w-]+$/)
    expect(decodeCursor(channel, cursor)).toEqual(one)
  }
})

test('the cursor of another channel is none', () => {
  expect(decodeCursor('project:018e', encodeCursor(channel, position))).toBeNull()
})

test('what is no cursor is none', () => {
  const cursor = encodeCursor(channel, position)
  const flipped = cursor.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))
  const others = [
    flipped,
    '',
    'x',
    '💥',
    `${cursor}=`,
    ` ${cursor}`,
    `${cursor}\n`,
    cursor.slice(0, -1),
    'A'.repeat(10_000),
  ]
  for (const text of others) expect(decodeCursor(channel, text)).toBeNull()
})

test('a cursor holds nothing that a database cannot compare', () => {
  // Nothing in a cursor is secret: anybody can make one.
  const forged = (seq: bigint, epoch: string, version = 1) => {
    const start = Buffer.alloc(9, version)
    start.writeBigUInt64BE(seq, 1)
    const hash = createHash('sha256').update(`${channel}\0`).update(start).update(epoch).digest().subarray(0, 6)
    return Buffer.concat([start, hash, Buffer.from(epoch, 'latin1')]).toString('base64url')
  }
  expect(decodeCursor(channel, forged(3n, 'epoch'))).toEqual({ epoch: 'epoch', seq: 3 })
  expect(decodeCursor(channel, forged(3n, 'ep\0ch'))).toBeNull()
  expect(decodeCursor(channel, forged(3n, 'ep\xffch'))).toBeNull()
  expect(decodeCursor(channel, forged(2n ** 53n, 'epoch'))).toBeNull()
  expect(decodeCursor(channel, forged(3n, ''))).toBeNull()
  expect(decodeCursor(channel, forged(3n, 'epoch', 2))).toBeNull()
})

test('random bytes are no cursor', () => {
  for (let round = 0; round < 1_000; round++) {
    expect(decodeCursor(channel, randomBytes(round % 60).toString('base64url'))).toBeNull()
  }
})

test('the place that is in no log cannot be written as a cursor', () => {
  expect(() => encodeCursor(channel, nowhere)).toThrow(RangeError)
})
