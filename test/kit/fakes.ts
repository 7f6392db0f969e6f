import { mayBeEnglish } from '../../src/lib/english.ts'
import { sha256Hex } from '../../src/lib/hash.ts'
import type { Clock } from '../../src/platform/clock.ts'
import type { Embedder } from '../../src/platform/embedder.ts'
import type { Mail, Mailer } from '../../src/platform/mailer.ts'

interface Span {
  readonly seconds?: number
  readonly minutes?: number
  readonly hours?: number
  readonly days?: number
}

/** A clock that tests move. */
export interface MovableClock extends Clock {
  /** Moves time forward for everything that asks this clock. */
  advance(by: Span): void
}

/** Makes a clock that goes with the machine's, ahead of it by as much as a test has moved it. */
export function movableClock(): MovableClock {
  let aheadMillis = 0
  return {
    now: () => new Date(Date.now() + aheadMillis),
    advance: (by) => {
      aheadMillis += millisOf(by)
    },
  }
}

/** Makes a clock that stands at the next full hour of the machine's until a test moves it. */
export function standingClock(): MovableClock {
  let millis = Math.ceil(Date.now() / 3_600_000) * 3_600_000
  return {
    now: () => new Date(millis),
    advance: (by) => {
      millis += millisOf(by)
    },
  }
}

function millisOf({ seconds = 0, minutes = 0, hours = 0, days = 0 }: Span): number {
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000
}

/** A mailer that keeps what it is given. */
export interface Mailbox extends Mailer {
  readonly sent: readonly Mail[]
  /** The mails to one address. */
  to(address: string): readonly Mail[]
}

/** Makes a mailer that sends nothing. */
export function mailbox(): Mailbox {
  const sent: Mail[] = []
  return {
    sent,
    to: (address) => sent.filter((mail) => mail.to === address),
    send: async (mail) => void sent.push(mail),
    close: async () => undefined,
  }
}

/** The cheapest hash argon2 makes: tests sign in many people. */
export const cheapPasswords = { memoryKib: 1024, iterations: 1, parallelism: 1 }

const WORD_DIMENSIONS = 64

/** Makes an embedder, reading what the embedded one reads, for which texts that share words are near each other. */
export function wordEmbedder(): Embedder {
  return {
    id: 'fake/words',
    dimensions: WORD_DIMENSIONS,
    reads: mayBeEnglish,
    embed: async (texts, { signal }) => {
      signal.throwIfAborted()
      if (!texts.every((text) => mayBeEnglish(text, null))) throw new Error('A text is none that the embedder reads')
      return texts.map(countOfWords)
    },
    close: async () => undefined,
  }
}

/** How often which word is there, by a place that its hash gives it; of unit length. */
function countOfWords(text: string): Float32Array {
  const counts = new Float32Array(WORD_DIMENSIONS)
  for (const word of text.toLowerCase().match(/\p{L}+/gu) ?? []) {
    const place = Number.parseInt(sha256Hex(word).slice(0, 8), 16) % WORD_DIMENSIONS
    counts[place] = (counts[place] ?? 0) + 1
  }
  const length = Math.hypot(...counts)
  return counts.map((count) => count / length)
}
