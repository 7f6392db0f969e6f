import { isFitAttribute } from './text-attributes.ts'

// Reads a Yjs update (version 1) before Yjs does, which believes every count and length it is told.

/** What is wrong with an update, in words. */
export class UnfitUpdate extends Error {
  override readonly name = 'UnfitUpdate'
}

/** The root of every text: a document has no other. */
export const ROOT = 'text'

/** What an update may hold. */
export interface UpdateLimits {
  /** Pieces of text, of formatting and of what was deleted; what merging costs grows with them. */
  readonly maxStructs: number
}

// The kinds of structs by the low five bits of their first byte; all others hold something else than text.
const DELETED = 1
const STRING = 4
const FORMAT = 6
const SKIP = 10

const KIND = 0b00011111
const HAS_KEY = 0b00100000
const HAS_RIGHT_ORIGIN = 0b01000000
const HAS_ORIGIN = 0b10000000

/** Of a client's clock, which counts its characters: more than anybody types. */
const MAX_CLOCK = 2 ** 32

const NO_UPDATE = 'is not a Yjs update'

/**
 * Demands that an update is one, and of a text as ours are: every byte of it is looked at, nothing is allocated by what
 * it claims. Whether it fits a document is for Yjs to say. @throws {UnfitUpdate}
 */
export function requireTextUpdate(update: Uint8Array, { maxStructs }: UpdateLimits): void {
  const bytes = new Bytes(update)
  readStructs(bytes, maxStructs)
  readDeletions(bytes)
  if (!bytes.isAtEnd) throw new UnfitUpdate(NO_UPDATE)
}

function readStructs(bytes: Bytes, maxStructs: number): void {
  const clients = new Set<number>()
  let structCount = 0
  for (let left = bytes.uint(); left > 0; left -= 1) {
    let count = bytes.uint()
    const client = bytes.uint()
    let clock = bytes.uint()
    if (clients.has(client)) throw new UnfitUpdate(NO_UPDATE)
    clients.add(client)
    for (; count > 0; count -= 1) {
      structCount += 1
      if (structCount > maxStructs) throw new UnfitUpdate(`is in more than ${maxStructs.toLocaleString('en')} pieces`)
      clock += readStruct(bytes)
      if (clock > MAX_CLOCK) throw new UnfitUpdate(NO_UPDATE)
    }
  }
}

/** Reads one struct and answers its length, by which its client's clock goes on. */
function readStruct(bytes: Bytes): number {
  const info = bytes.byte()
  const kind = info & KIND
  if (kind === SKIP) {
    if (info !== SKIP) throw new UnfitUpdate(NO_UPDATE)
    return bytes.length()
  }
  if (kind !== DELETED && kind !== STRING && kind !== FORMAT)
    throw new UnfitUpdate(kind > SKIP ? NO_UPDATE : 'holds something else than formatted text')
  readPlace(bytes, info)
  if (kind === DELETED) return bytes.length()
  if (kind === STRING) return notEmpty(bytes.string().length)
  readFormat(bytes)
  return 1
}

function readPlace(bytes: Bytes, info: number): void {
  if ((info & HAS_KEY) !== 0) throw new UnfitUpdate('holds something else than formatted text')
  const origins = (info & HAS_ORIGIN ? 1 : 0) + (info & HAS_RIGHT_ORIGIN ? 1 : 0)
  for (let left = origins; left > 0; left -= 1) {
    bytes.uint()
    bytes.uint()
  }
  if (origins > 0) return
  // With a neighbour it stands where that does; without one it says in what.
  if (bytes.uint() !== 1) throw new UnfitUpdate('holds something else than formatted text')
  if (bytes.string() !== ROOT) throw new UnfitUpdate(`has another root than “${ROOT}”`)
}

function readFormat(bytes: Bytes): void {
  const key = bytes.string()
  const value = parsed(bytes.string())
  if (!isFitAttribute(key, value)) throw new UnfitUpdate('formats text in a way there is none')
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw new UnfitUpdate(NO_UPDATE)
  }
}

function readDeletions(bytes: Bytes): void {
  const clients = new Set<number>()
  for (let left = bytes.uint(); left > 0; left -= 1) {
    const client = bytes.uint()
    if (clients.has(client)) throw new UnfitUpdate(NO_UPDATE)
    clients.add(client)
    let end = 0
    for (let count = bytes.uint(); count > 0; count -= 1) {
      const clock = bytes.uint()
      // In order and apart, as Yjs writes them: a stretch that is deleted a thousand times costs a thousand walks.
      if (clock < end) throw new UnfitUpdate(NO_UPDATE)
      end = clock + bytes.length()
      if (end > MAX_CLOCK) throw new UnfitUpdate(NO_UPDATE)
    }
  }
}

function notEmpty(length: number): number {
  // Yjs looks for structs by halves, and never finds one without a length.
  if (length === 0) throw new UnfitUpdate(NO_UPDATE)
  return length
}

// As Yjs decodes: whatever it would read as something else is refused here.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes that are read once, from the first to the last. */
class Bytes {
  #at = 0
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new UnfitUpdate(NO_UPDATE)
    this.#at += 1
    return byte
  }

  /** Seven bits a byte, the low ones first. */
  uint(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte()
      value += (byte & 127) * factor
      if (!Number.isSafeInteger(value)) throw new UnfitUpdate(NO_UPDATE)
      if (byte < 128) return value
    }
  }

  length(): number {
    return notEmpty(this.uint())
  }

  string(): string {
    const length = this.uint()
    const end = this.#at + length
    if (end > this.#bytes.length) throw new UnfitUpdate(NO_UPDATE)
    const part = this.#bytes.subarray(this.#at, end)
    this.#at = end
    try {
      return utf8.decode(part)
    } catch {
      throw new UnfitUpdate(NO_UPDATE)
    }
  }
}
